"""The stock is contended: whoever reserves a piece reads the row, takes a while, and loses if it was written meanwhile.

Nothing is broken. This is what optimistic concurrency does to a row that everybody wants: of all who have read the
same, the first to write wins, the work of the others was for nothing, and they have to come back.
"""

from rulezero.faults import Signature, Statement

WORK_S = 0.2  # From the read to the write; longer than a crowd takes to get here, so that all of it reads the same.
LINK = "inventory-primary"

_DROP = "DROP FUNCTION IF EXISTS read_stock, compare_stock CASCADE;"

FAULT = Statement(
    text=f"a reservation takes {WORK_S:g} s, and fails when the row was written meanwhile",
    # An insertion that meets a row becomes an update, which holds it only from the comparison on.
    apply_sql=f"""
        {_DROP}
        CREATE FUNCTION read_stock() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM set_config(
                'rulezero.read',
                coalesce((SELECT reserved FROM stock WHERE item_id = NEW.item_id), 0)::text,
                true
            );
            PERFORM pg_sleep({WORK_S});
            RETURN NEW;
        END
        $$;
        CREATE FUNCTION compare_stock() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.reserved <> current_setting('rulezero.read')::integer THEN
                RAISE serialization_failure USING MESSAGE = 'the row was written since it was read';
            END IF;
            RETURN NEW;
        END
        $$;
        CREATE TRIGGER read_stock BEFORE INSERT ON stock FOR EACH ROW EXECUTE FUNCTION read_stock();
        CREATE TRIGGER compare_stock BEFORE UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION compare_stock();
    """,  # noqa: S608 - our own numbers.
    revert_sql=_DROP,
    signature=Signature(
        metric="dependency_outcomes_total",
        labels={"link": LINK, "outcome": "error"},
        increase_min=20,
    ),
)
