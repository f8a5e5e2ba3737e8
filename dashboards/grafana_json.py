"""From a board to the JSON that Grafana loads from files: its classic model, whose types the SDK has.

File provisioning takes no newer model, and the SDK's own layout and builders are not used: places come from `layout`.
"""

import json
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.annotations import annotations
from dashboards.grafana_panels import custom_of, datasource, options_of, overrides_of, transformations_of
from dashboards.layout import Place, placed
from dashboards.model import COLUMNS, GOOD, INSTANT, Board, Link, Panel, Query, Variable
from dashboards.panels import TEXT_HEIGHT, ribbon
from dashboards.sdk import common, prometheus, tempo
from dashboards.sdk import dashboard as sdk

JSON = Path(__file__).parent / "grafana" / "json"
SCHEMA = 42
TAGS = ["rulezero"]
_PLUGINS = {
    "lines": "timeseries", "stack": "timeseries", "stat": "stat", "bars": "bargauge", "timeline": "state-timeline",
    "heat": "heatmap", "table": "table", "graph": "nodeGraph", "scatter": "xychart", "traces": "table",
}  # fmt: skip
# A chart without the version of its plugin is taken for one of the time before versions, and migrated to nothing.
_VERSIONS = {"scatter": "13.2.3"}
_NO_LOAD = "no load"


def board_files(boards: tuple[Board, ...]) -> dict[Path, str]:
    """Return every generated file and its text."""
    return {JSON / f"{board.name}.json": text_of(board) for board in boards}


def text_of(board: Board) -> str:
    """Return the board as JSON, the same for the same board."""
    plain = json.loads(json.dumps(_dashboard(board), cls=JSONEncoder))
    # The SDK's type has no place for what Prometheus' annotations are called.
    plain["annotations"] = {"list": annotations()}
    for link in plain["links"]:
        del link["placement"]  # By default links hide in a menu.
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def link_url(link: Link) -> str:
    """Return where a click on a series goes: the same time, and what was clicked."""
    chosen = "".join(f"&var-{name}=${{__field.labels.{label}}}" for name, label in link.variables.items())
    return f"/d/{link.uid}?${{__url_time_range}}{chosen}"


def _dashboard(board: Board) -> sdk.Dashboard:
    places = [
        *placed(ribbon(), below=TEXT_HEIGHT, first=2),
        *placed(board.panels, below=TEXT_HEIGHT + ribbon()[0].height, first=2 + len(ribbon())),
    ]
    return sdk.Dashboard(
        uid=board.uid,
        title=f"{board.title}: {board.question[0].lower()}{board.question[1:]}",
        description=board.question,
        tags=TAGS,
        timezone="browser",
        editable=False,
        graph_tooltip=sdk.DashboardCursorSync.CROSSHAIR,
        time=sdk.DashboardDashboardTime(from_val="now-15m", to="now"),
        timepicker=sdk.TimePickerConfig(refresh_intervals=["1s", "2s", "5s", "10s", "1m"]),
        refresh="2s",
        schema_version=SCHEMA,
        panels=[_text(board), *(_panel(place) for place in places)],
        templating=sdk.DashboardDashboardTemplating(list_val=[*_sources(), *map(_variable, board.variables)]),
        links=[_home(), _others()],
    )


def _text(board: Board) -> sdk.Panel:
    content = f"**{board.question}**\n\n{board.look}"
    return sdk.Panel(
        type_val="text",
        id_val=1,
        title="",
        grid_pos=sdk.GridPos(x=0, y=0, w=COLUMNS, h=TEXT_HEIGHT),
        transparent=True,
        options={"mode": "markdown", "content": content},
    )


def _panel(place: Place) -> sdk.Panel:
    panel = place.panel
    return sdk.Panel(
        type_val=_PLUGINS[panel.kind],
        plugin_version=_VERSIONS.get(panel.kind),
        id_val=place.number,
        title=panel.title,
        description=panel.description,
        datasource=datasource(panel),
        grid_pos=sdk.GridPos(x=place.x, y=place.y, w=place.width, h=place.height),
        targets=[_target(panel, query, chr(ord("A") + index)) for index, query in enumerate(panel.queries)],
        options=options_of(panel),
        field_config=sdk.FieldConfigSource(defaults=_defaults(panel), overrides=overrides_of(panel)),
        transformations=transformations_of(panel) or None,
    )


def _target(panel: Panel, query: Query, name: str) -> prometheus.Dataquery | tempo.Dataquery:
    if panel.kind == "traces":
        return tempo.Dataquery(
            ref_id=name, query=query.expr, query_type="traceql", limit=20, filters=[], datasource=datasource(panel),
            table_type=tempo.SearchTableType.TRACES,
        )  # fmt: skip
    instant = panel.kind in INSTANT
    shape = prometheus.PromQueryFormat.TIME_SERIES
    if panel.kind in ("table", "graph"):
        shape = prometheus.PromQueryFormat.TABLE
    elif panel.kind == "heat":
        shape = prometheus.PromQueryFormat.HEATMAP
    return prometheus.Dataquery(
        expr=query.expr,
        ref_id=name,
        legend_format=query.legend,
        instant=instant,
        range_val=not instant,
        exemplar=query.exemplar,
        format_val=shape,
        editor_mode=prometheus.QueryEditorMode.CODE,
        datasource=datasource(panel),
    )


def _defaults(panel: Panel) -> sdk.FieldConfig:
    mappings: list[Any] = []
    if panel.states:
        mappings = [
            sdk.ValueMap(
                options={
                    str(value): sdk.ValueMappingResult(text=text, color=colour, index=index)
                    for index, (value, (text, colour)) in enumerate(sorted(panel.states.items()))
                }
            )
        ]
    return sdk.FieldConfig(
        unit=panel.unit,
        min_val=None if panel.kind in ("stat", "timeline") or panel.log_base else 0,
        max_val=panel.highest,
        no_value=panel.quiet or (_NO_LOAD if panel.kind == "stat" else None),
        mappings=mappings,
        thresholds=_thresholds(panel),
        color=_colour(panel),
        links=[{"title": link.title, "url": link_url(link)} for link in panel.links],  # type: ignore[misc]  # Data links.
        custom=custom_of(panel),
    )


def _colour(panel: Panel) -> sdk.FieldColor:
    if panel.kind == "scatter":  # It takes no palette by name.
        return sdk.FieldColor(mode=sdk.FieldColorModeId.FIXED, fixed_color=GOOD)
    if panel.kind == "stat" and panel.steps:
        return sdk.FieldColor(mode=sdk.FieldColorModeId.THRESHOLDS)
    return sdk.FieldColor(mode=sdk.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)


def _thresholds(panel: Panel) -> sdk.ThresholdsConfig:
    steps = panel.steps or ((None, "#8E8E8E"),)
    return sdk.ThresholdsConfig(
        mode=sdk.ThresholdsMode.ABSOLUTE, steps=[sdk.Threshold(value=value, color=colour) for value, colour in steps]
    )


def _sources() -> list[sdk.VariableModel]:
    return [
        sdk.VariableModel(
            type_val=sdk.VariableType.DATASOURCE, name=name, label=label, query=kind,
            current=sdk.VariableOption(text=label, value=kind),
        )
        for name, label, kind in (("datasource", "Prometheus", "prometheus"), ("tempo", "Tempo", "tempo"))
    ]  # fmt: skip


def _variable(variable: Variable) -> sdk.VariableModel:
    everything = sdk.VariableOption(text="All", value="$__all")
    if variable.options:
        chosen = sdk.VariableOption(text=variable.shown, value=variable.shown)
        return sdk.VariableModel(
            type_val=sdk.VariableType.CUSTOM, name=variable.name, label=variable.label,
            query=",".join(variable.options), current=chosen, include_all=variable.all_values,
            all_value=".*" if variable.all_values else None,
        )  # fmt: skip
    chosen = everything if variable.all_values else sdk.VariableOption(text=variable.shown, value=variable.shown)
    return sdk.VariableModel(
        type_val=sdk.VariableType.QUERY, name=variable.name, label=variable.label,
        query=f"label_values({variable.metric}, {variable.of_label})", current=chosen,
        datasource=common.DataSourceRef(type_val="prometheus", uid="${datasource}"),
        refresh=sdk.VariableRefresh.ON_TIME_RANGE_CHANGED, sort=sdk.VariableSort.ALPHABETICAL_ASC,
        include_all=variable.all_values, all_value=".*" if variable.all_values else None,
    )  # fmt: skip


def _home() -> sdk.DashboardLink:
    return sdk.DashboardLink(
        title="Overview", type_val=sdk.DashboardLinkType.LINK, url="/d/bench-overview", icon="dashboard",
        keep_time=True, tooltip="Are we keeping our promises?", tags=[],
    )  # fmt: skip


def _others() -> sdk.DashboardLink:
    return sdk.DashboardLink(
        title="Boards", type_val=sdk.DashboardLinkType.DASHBOARDS, tags=TAGS, as_dropdown=True, keep_time=True,
        include_vars=False, icon="external link", tooltip="All boards of the suite",
    )  # fmt: skip
