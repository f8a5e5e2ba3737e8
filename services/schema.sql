-- The shop's tables. Statements that should take a while do so in the database (pg_sleep), so that they hold a pooled
-- connection for their service time. Functions are used because PostgreSQL counts their calls (track_functions): that
-- is how loads are counted at the origin, on the primary and on the standby alike.

CREATE TABLE items (
    id integer PRIMARY KEY,
    name text NOT NULL,
    price_cents integer NOT NULL,
    weight_s double precision NOT NULL -- how long it takes to assemble, in seconds
);

-- Item 1 is the hot one, item 2 the heavy report that nobody has asked for yet; those from 1001 take a
-- tenth of a second to assemble, those from 1901 a whole one; the others are light.
INSERT INTO items
SELECT n, 'item ' || n, 100 + n,
    CASE WHEN n = 1 THEN 0.3 WHEN n = 2 THEN 2.0 WHEN n > 1900 THEN 1.0 WHEN n > 1000 THEN 0.1 ELSE 0.01 END
FROM generate_series(1, 2000) AS n;

CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    operation_id text NOT NULL,
    item_id integer NOT NULL,
    state text NOT NULL DEFAULT 'pending',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE charges (
    id bigserial PRIMARY KEY,
    order_id bigint NOT NULL,
    cents integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- How many pieces of an item are reserved; an item that nobody has ordered has no row.
CREATE TABLE stock (
    item_id integer PRIMARY KEY,
    reserved integer NOT NULL
);

-- No key keeps an operation from having two mails: whoever sends one twice should be seen to.
CREATE TABLE mails (
    id bigserial PRIMARY KEY,
    operation_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row: the share of searches that meet a cold page, a lock or a checkpoint, and what that costs. Usually none.
CREATE TABLE pace (
    slow_share double precision NOT NULL,
    slow_s double precision NOT NULL
);

INSERT INTO pace VALUES (0, 0);

CREATE FUNCTION load_item(wanted integer) RETURNS SETOF items LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep((SELECT weight_s FROM items WHERE id = wanted));
    RETURN QUERY SELECT * FROM items WHERE id = wanted;
END
$$;

CREATE FUNCTION search_items(term text, service_s double precision) RETURNS SETOF items LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(service_s + (SELECT CASE WHEN random() < slow_share THEN slow_s ELSE 0 END FROM pace));
    RETURN QUERY SELECT * FROM items WHERE name LIKE '%' || term || '%' ORDER BY id LIMIT 10;
END
$$;

CREATE FUNCTION place_order(operation text, item integer, service_s double precision) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    placed bigint;
BEGIN
    PERFORM pg_sleep(service_s);
    INSERT INTO orders (operation_id, item_id) VALUES (operation, item) RETURNING id INTO placed;
    RETURN placed;
END
$$;

CREATE FUNCTION write_charge(paid_order bigint, amount_cents integer, service_s double precision) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
BEGIN
    PERFORM pg_sleep(service_s);
    INSERT INTO charges (order_id, cents) VALUES (paid_order, amount_cents) RETURNING id INTO written;
    RETURN written;
END
$$;

-- Null when none of the pieces is left. The row is locked for the update alone, not for the service time.
CREATE FUNCTION reserve_piece(item integer, pieces integer, service_s double precision) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    taken integer;
BEGIN
    PERFORM pg_sleep(service_s);
    INSERT INTO stock (item_id, reserved) VALUES (item, 1)
    ON CONFLICT (item_id) DO UPDATE SET reserved = stock.reserved + 1 WHERE stock.reserved < pieces
    RETURNING reserved INTO taken;
    RETURN taken;
END
$$;

CREATE FUNCTION write_mail(operation text, service_s double precision) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    written bigint;
BEGIN
    PERFORM pg_sleep(service_s);
    INSERT INTO mails (operation_id) VALUES (operation) RETURNING id INTO written;
    RETURN written;
END
$$;
