-- SPDX-License-Identifier: GPL-2.0-or-later
-- pg-words.sql - the few words of SQLite that tests use to make rows, for PostgreSQL.
--
-- They are in a schema that only the tests' own connections look into: what the
-- programs send has to do without them.
CREATE SCHEMA test_words;
SET search_path = test_words;

CREATE FUNCTION strftime(form TEXT, t TEXT, more TEXT DEFAULT '0') RETURNS TIMESTAMPTZ
    LANGUAGE sql AS $$ SELECT t::timestamptz + more::interval $$;
CREATE FUNCTION strftime(form TEXT, t BIGINT, unit TEXT) RETURNS TIMESTAMPTZ
    LANGUAGE sql AS $$ SELECT to_timestamp(t) $$;
CREATE FUNCTION julianday(t TIMESTAMPTZ) RETURNS DOUBLE PRECISION
    LANGUAGE sql AS $$ SELECT EXTRACT(EPOCH FROM t) / 86400 + 2440587.5 $$;

-- An id from two numbers: 'aaaa%04x-0000-4000-8000-%012d'.
CREATE FUNCTION printf(form TEXT, a BIGINT, b BIGINT) RETURNS UUID LANGUAGE plpgsql AS $$
DECLARE
    n BIGINT := a;
    m TEXT[];
BEGIN
    LOOP
        m := regexp_match(form, '%0([0-9]+)([dx])');
        EXIT WHEN m IS NULL;
        form := regexp_replace(form, '%0[0-9]+[dx]',
            lpad(CASE m[2] WHEN 'x' THEN to_hex(n) ELSE n::text END, m[1]::int, '0'));
        n := b;
    END LOOP;
    RETURN form::uuid;
END $$;

CREATE FUNCTION path_of(path TEXT) RETURNS TEXT[] LANGUAGE sql AS
    $$ SELECT string_to_array(replace(replace(ltrim(path, '$.'), '[', '.'), ']', ''), '.') $$;
CREATE FUNCTION json_set(j JSONB, path TEXT, v TEXT) RETURNS JSONB LANGUAGE sql AS
    $$ SELECT jsonb_set(j, test_words.path_of(path), COALESCE(to_jsonb(v), 'null')) $$;
CREATE FUNCTION json_set(j JSONB, path TEXT, v JSON) RETURNS JSONB LANGUAGE sql AS
    $$ SELECT jsonb_set(j, test_words.path_of(path), v::jsonb) $$;
CREATE FUNCTION json_set(j JSONB, path TEXT, v JSON, path2 TEXT, v2 JSON) RETURNS JSONB LANGUAGE sql AS
    $$ SELECT test_words.json_set(test_words.json_set(j, path, v), path2, v2) $$;
CREATE FUNCTION json_extract(j JSONB, path TEXT) RETURNS TEXT LANGUAGE sql AS
    $$ SELECT j #>> test_words.path_of(path) $$;

CREATE FUNCTION id_like(id UUID, pattern TEXT) RETURNS BOOLEAN LANGUAGE sql AS
    $$ SELECT id::text LIKE pattern $$;
CREATE FUNCTION id_not_like(id UUID, pattern TEXT) RETURNS BOOLEAN LANGUAGE sql AS
    $$ SELECT id::text NOT LIKE pattern $$;
CREATE OPERATOR ~~ (LEFTARG = UUID, RIGHTARG = TEXT, FUNCTION = id_like);
CREATE OPERATOR !~~ (LEFTARG = UUID, RIGHTARG = TEXT, FUNCTION = id_not_like);

CREATE FUNCTION joined(so_far TEXT, v TEXT, sep TEXT) RETURNS TEXT LANGUAGE sql AS
    $$ SELECT CASE WHEN v IS NULL THEN so_far WHEN so_far IS NULL THEN v ELSE so_far || sep || v END $$;
CREATE FUNCTION joined_by_comma(so_far TEXT, v TEXT) RETURNS TEXT LANGUAGE sql AS
    $$ SELECT test_words.joined(so_far, v, ',') $$;
CREATE AGGREGATE group_concat(TEXT, TEXT) (SFUNC = joined, STYPE = TEXT);
CREATE AGGREGATE group_concat(TEXT) (SFUNC = joined_by_comma, STYPE = TEXT);
