"""What each kind of panel needs in Grafana beyond its queries: options, looks of its series, transformations."""

from typing import Any

from dashboards.model import BAD, GOOD, LINEAR_BELOW, MEANINGS, OFFERED, QUIET, Panel
from dashboards.sdk import bargauge, common, heatmap, nodegraph, statetimeline, timeseries, xychart
from dashboards.sdk import dashboard as sdk
from dashboards.sdk import stat as stat_panel
from dashboards.sdk import table as table_panel

_ROLES = {"offered": OFFERED, "good": GOOD, "bad": BAD, "limit": QUIET, "prediction": QUIET}
_FADED = 60


def datasource(panel: Panel) -> common.DataSourceRef:
    """Return which of the board's two sources answers the panel."""
    kind, name = ("tempo", "tempo") if panel.kind == "traces" else ("prometheus", "datasource")
    return common.DataSourceRef(type_val=kind, uid=f"${{{name}}}")


def options_of(panel: Panel) -> object:
    """Return the options of the panel's plugin."""
    last = common.ReduceDataOptions(calcs=["lastNotNull"], values=False)
    match panel.kind:
        case "stat":
            return stat_panel.Options(
                reduce_options=last, color_mode=common.BigValueColorMode.BACKGROUND, wide_layout=False,
                graph_mode=common.BigValueGraphMode.NONE, orientation=common.VizOrientation.HORIZONTAL,
            )  # fmt: skip
        case "bars":
            return bargauge.Options(
                reduce_options=last, orientation=common.VizOrientation.HORIZONTAL,
                display_mode=common.BarGaugeDisplayMode.BASIC,
            )  # fmt: skip
        case "timeline":
            return statetimeline.Options(
                show_value=common.VisibilityMode.NEVER,
                row_height=0.8,
                merge_values=True,
                legend=_legend(shown=False),
                per_page=max(4, panel.height * 2 - 4),
            )
        case "heat":
            return heatmap.Options(
                calculate=False, cell_gap=0, color=_heat_colours(), y_axis=heatmap.YAxisConfig(unit=panel.unit),
                legend=heatmap.HeatmapLegend(show=True),
                tooltip=heatmap.HeatmapTooltip(mode=common.TooltipDisplayMode.SINGLE, y_histogram=True),
                exemplars=heatmap.ExemplarConfig(color="rgba(255,0,255,0.7)"),
                rows_frame=heatmap.RowsHeatmapOptions(layout=common.HeatmapCellLayout.AUTO),
            )  # fmt: skip
        case "graph":
            return nodegraph.Options(edges=nodegraph.EdgeOptions(main_stat_unit=panel.unit))
        case "scatter":
            return xychart.Options(mapping=xychart.SeriesMapping.AUTO, legend=_legend(shown=False))
        case "table" | "traces":
            return table_panel.Options()
        case _:
            tooltip = common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING)
            return timeseries.Options(legend=_legend(shown=True), tooltip=tooltip)


def custom_of(panel: Panel) -> object | None:
    """Return how the plugin draws every series, unless an override says otherwise."""
    if panel.kind not in ("lines", "stack"):
        return None
    stacked = panel.kind == "stack"
    scale = common.ScaleDistributionConfig(type_val=common.ScaleDistribution.LINEAR)
    if panel.log_base:
        scale = common.ScaleDistributionConfig(
            type_val=common.ScaleDistribution.SYMLOG, log=panel.log_base, linear_threshold=LINEAR_BELOW
        )
    lined = common.GraphThresholdsStyleMode.DASHED if panel.steps else common.GraphThresholdsStyleMode.OFF
    return common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.LINE,
        line_width=1,
        fill_opacity=_FADED if stacked else 0,
        stacking=common.StackingConfig(
            mode=common.StackingMode.NORMAL if stacked else common.StackingMode.NONE, group="A"
        ),
        show_points=common.VisibilityMode.NEVER,
        span_nulls=False,
        scale_distribution=scale,
        thresholds_style=common.GraphThresholdsStyleConfig(mode=lined),
    )


def overrides_of(panel: Panel) -> list[sdk.DashboardFieldConfigSourceOverrides]:
    """Return the looks of series that stand for something: a query's role, or an outcome by its name."""
    if panel.kind not in ("lines", "stack", "bars"):
        return []
    found = [
        _override(sdk.MatcherConfig(id_val="byRegexp", options=rf"/(^|\b){name}$/"), {"color": _fixed(colour)})
        for name, colour in MEANINGS.items()
        if panel.kind == "stack"
    ]
    for index, query in enumerate(panel.queries):
        if query.role == "measured":
            continue
        looks: dict[str, Any] = {"color": _fixed(_ROLES[query.role])}
        if query.role in ("limit", "prediction"):
            looks |= {
                "custom.lineStyle": {"fill": "dash", "dash": [8, 6]},
                "custom.fillOpacity": 0,
                "custom.lineWidth": 2,
                "custom.stacking": {"mode": "none", "group": "A"},
            }
        found.append(_override(sdk.MatcherConfig(id_val="byFrameRefID", options=chr(ord("A") + index)), looks))
    return found


def transformations_of(panel: Panel) -> list[sdk.DataTransformerConfig]:
    """Return what brings the queries' answers into the shape that the plugin wants."""
    if panel.kind == "table":
        labels = {label: index for index, label in enumerate(panel.row_labels)}
        values = {f"Value #{chr(ord('A') + index)}": query.legend for index, query in enumerate(panel.queries)}
        order = {**labels, **{name: len(labels) + index for index, name in enumerate(values)}}
        return [
            sdk.DataTransformerConfig(id_val="merge", options={}),
            sdk.DataTransformerConfig(
                id_val="organize",
                options={"excludeByName": {"Time": True}, "indexByName": order, "renameByName": values},
            ),
        ]
    if panel.kind == "graph":
        options = {
            "excludeByName": {"Time": True, "job": True, "dependency": True},
            "renameByName": {"Value": "mainstat", "Value #A": "mainstat"},
        }
        return [sdk.DataTransformerConfig(id_val="organize", options=options)]
    if panel.kind == "scatter":
        return [
            sdk.DataTransformerConfig(id_val="joinByField", options={"byField": "Time", "mode": "inner"}),
            sdk.DataTransformerConfig(id_val="organize", options={"excludeByName": {"Time": True}}),
        ]
    return []


def _override(matcher: sdk.MatcherConfig, looks: dict[str, Any]) -> sdk.DashboardFieldConfigSourceOverrides:
    properties = [sdk.DynamicConfigValue(id_val=name, value=value) for name, value in looks.items()]
    return sdk.DashboardFieldConfigSourceOverrides(matcher=matcher, properties=properties)


def _fixed(colour: str) -> dict[str, str]:
    return {"mode": "fixed", "fixedColor": colour}


def _legend(*, shown: bool) -> common.VizLegendOptions:
    return common.VizLegendOptions(
        show_legend=shown, display_mode=common.LegendDisplayMode.LIST, placement=common.LegendPlacement.BOTTOM,
        calcs=[],
    )  # fmt: skip


def _heat_colours() -> heatmap.HeatmapColorOptions:
    return heatmap.HeatmapColorOptions(
        mode=heatmap.HeatmapColorMode.SCHEME, scheme="Oranges", fill="dark-orange", exponent=0.5, steps=64,
        scale=heatmap.HeatmapColorScale.EXPONENTIAL,
    )  # fmt: skip
