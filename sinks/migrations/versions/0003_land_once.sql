-- Land once: splits, merges, transfers, expiry, overlap cases, other programmes' claims.

-- Succession: parcels that took the place of others (split, merge).
CREATE TABLE succession (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT succession_pkey PRIMARY KEY,
  kind varchar NOT NULL,
  reason varchar NOT NULL,
  person_id bigint NOT NULL CONSTRAINT succession_person_id_fkey REFERENCES person,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  reviewed_by_id bigint CONSTRAINT succession_reviewed_by_id_fkey REFERENCES person,
  reviewed_at timestamptz,
  CONSTRAINT succession_kind_check CHECK (kind IN ('split', 'merge')),
  CONSTRAINT succession_second_officer_check CHECK (reviewed_by_id <> person_id)
);
CREATE TABLE succession_parcel (
  succession_id bigint NOT NULL CONSTRAINT succession_parcel_succession_id_fkey REFERENCES succession,
  parcel_id bigint NOT NULL CONSTRAINT succession_parcel_parcel_id_fkey REFERENCES parcel,
  version_id bigint NOT NULL CONSTRAINT succession_parcel_version_id_fkey REFERENCES parcel_version,
  side varchar NOT NULL,
  CONSTRAINT succession_parcel_pkey PRIMARY KEY (succession_id, parcel_id),
  CONSTRAINT succession_parcel_side_check CHECK (side IN ('parent', 'child'))
);
CREATE UNIQUE INDEX succession_parcel_once ON succession_parcel (parcel_id, side);

-- A right is ended, not deleted, when it passes to somebody else.
ALTER TABLE parcel_right ADD COLUMN ended_on date;
CREATE TABLE right_transfer (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT right_transfer_pkey PRIMARY KEY,
  parcel_id bigint NOT NULL CONSTRAINT right_transfer_parcel_id_fkey REFERENCES parcel,
  right_id bigint NOT NULL CONSTRAINT right_transfer_right_id_fkey REFERENCES parcel_right,
  party_id bigint NOT NULL CONSTRAINT right_transfer_party_id_fkey REFERENCES party,
  share numeric(9,8) NOT NULL,
  certificate_kind varchar NOT NULL,
  certificate_no varchar NOT NULL,
  term_from date,
  term_to date,
  transferred_on date NOT NULL,
  reason varchar NOT NULL,
  proposed_by_id bigint NOT NULL CONSTRAINT right_transfer_proposed_by_id_fkey REFERENCES person,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  accepted boolean,
  decided_by_id bigint CONSTRAINT right_transfer_decided_by_id_fkey REFERENCES person,
  decided_at timestamptz,
  decision_reason varchar,
  CONSTRAINT right_transfer_two_people_check CHECK (decided_by_id <> proposed_by_id),
  CONSTRAINT right_transfer_decided_check CHECK ((accepted IS NULL) = (decided_by_id IS NULL)),
  CONSTRAINT right_transfer_share_check CHECK (share > 0 AND share <= 1)
);
CREATE INDEX right_transfer_parcel_id_idx ON right_transfer (parcel_id);
CREATE UNIQUE INDEX right_transfer_one_open ON right_transfer (right_id) WHERE accepted IS NULL;
-- Who has to know: the contract or the project that stands on the parcel.
CREATE TABLE right_transfer_told (
  transfer_id bigint NOT NULL CONSTRAINT right_transfer_told_transfer_id_fkey REFERENCES right_transfer,
  party_id bigint NOT NULL CONSTRAINT right_transfer_told_party_id_fkey REFERENCES party,
  subject varchar NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_by_id bigint CONSTRAINT right_transfer_told_seen_by_id_fkey REFERENCES person,
  seen_at timestamptz,
  CONSTRAINT right_transfer_told_pkey PRIMARY KEY (transfer_id, party_id, subject)
);

-- Land that another programme has claimed.
CREATE TABLE programme_claim (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT programme_claim_pkey PRIMARY KEY,
  programme varchar NOT NULL,
  external_id varchar NOT NULL,
  pool varchar NOT NULL,
  name varchar NOT NULL,
  starts_on date NOT NULL,
  ends_on date,
  boundary geometry(MULTIPOLYGON, 4490) NOT NULL,
  boundary_m geometry(MULTIPOLYGON, 4549) GENERATED ALWAYS AS (st_transform(boundary, 4549)) STORED,
  area_m2 double precision NOT NULL,
  geometry_sha256 varchar NOT NULL,
  source_name varchar NOT NULL,
  source_sha256 varchar NOT NULL,
  source_row bigint NOT NULL,
  status varchar NOT NULL,
  imported_by_id bigint NOT NULL CONSTRAINT programme_claim_imported_by_id_fkey REFERENCES person,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_by_id bigint CONSTRAINT programme_claim_ended_by_id_fkey REFERENCES person,
  ended_reason varchar,
  CONSTRAINT programme_claim_status_check CHECK (status IN ('standing', 'disputed', 'ended')),
  CONSTRAINT programme_claim_period_check CHECK (ends_on IS NULL OR ends_on > starts_on),
  CONSTRAINT programme_claim_two_people_check CHECK (ended_by_id <> imported_by_id),
  CONSTRAINT programme_claim_boundary_valid_check CHECK (st_isvalid(boundary)),
  CONSTRAINT programme_claim_once
    UNIQUE (programme, external_id, pool, geometry_sha256, starts_on)
);
CREATE INDEX idx_programme_claim_boundary ON programme_claim USING gist (boundary);
CREATE INDEX idx_programme_claim_boundary_m ON programme_claim USING gist (boundary_m);

-- Overlap cases: what two people have to decide before anything is credited.
CREATE TABLE overlap_case (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT overlap_case_pkey PRIMARY KEY,
  kind varchar NOT NULL,
  parcel_id bigint NOT NULL CONSTRAINT overlap_case_parcel_id_fkey REFERENCES parcel,
  version_id bigint NOT NULL CONSTRAINT overlap_case_version_id_fkey REFERENCES parcel_version,
  shared_m2 double precision NOT NULL,
  status varchar NOT NULL DEFAULT 'open',
  opened_by_id bigint NOT NULL CONSTRAINT overlap_case_opened_by_id_fkey REFERENCES person,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  outcome varchar,
  proposal_reason varchar,
  proposed_by_id bigint CONSTRAINT overlap_case_proposed_by_id_fkey REFERENCES person,
  proposed_at timestamptz,
  decision_reason varchar,
  decided_by_id bigint CONSTRAINT overlap_case_decided_by_id_fkey REFERENCES person,
  decided_at timestamptz,
  CONSTRAINT overlap_case_kind_check CHECK (kind IN ('overlap', 'slivers', 'duplicate', 'programme')),
  CONSTRAINT overlap_case_status_check CHECK (status IN ('open', 'proposed', 'decided', 'lapsed')),
  CONSTRAINT overlap_case_outcome_check CHECK (outcome IN
    ('parcel_stands', 'other_stands', 'both_redrawn', 'within_accuracy', 'reregistration')),
  CONSTRAINT overlap_case_two_people_check CHECK (decided_by_id <> proposed_by_id),
  CONSTRAINT overlap_case_steps_have_people_check CHECK (
    (status <> 'proposed' OR proposed_by_id IS NOT NULL)
    AND (status <> 'decided' OR (proposed_by_id IS NOT NULL AND decided_by_id IS NOT NULL
                                 AND outcome IS NOT NULL)))
);
CREATE INDEX overlap_case_parcel_id_idx ON overlap_case (parcel_id);
CREATE UNIQUE INDEX overlap_case_one_open ON overlap_case (parcel_id, kind)
  WHERE status IN ('open', 'proposed');
CREATE TABLE overlap_case_other (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT overlap_case_other_pkey PRIMARY KEY,
  case_id bigint NOT NULL CONSTRAINT overlap_case_other_case_id_fkey REFERENCES overlap_case,
  parcel_id bigint CONSTRAINT overlap_case_other_parcel_id_fkey REFERENCES parcel,
  version_id bigint CONSTRAINT overlap_case_other_version_id_fkey REFERENCES parcel_version,
  programme_claim_id bigint
    CONSTRAINT overlap_case_other_programme_claim_id_fkey REFERENCES programme_claim,
  shared_m2 double precision NOT NULL,
  CONSTRAINT overlap_case_other_one_other_check CHECK (num_nonnulls(parcel_id, programme_claim_id) = 1)
);
CREATE INDEX overlap_case_other_case_id_idx ON overlap_case_other (case_id);
CREATE INDEX overlap_case_other_parcel_id_idx ON overlap_case_other (parcel_id);

-- A claim knows the area that may be credited, and the rank by which slivers are given away.
ALTER TABLE land_claim ADD COLUMN creditable_area_m2 double precision,
  ADD COLUMN precedence_at timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE land_claim DISABLE TRIGGER land_claim_pieces;
UPDATE land_claim c SET precedence_at = recorded_at,
  creditable_area_m2 = (SELECT area_m2 FROM parcel_version WHERE id = c.version_id);
ALTER TABLE land_claim ENABLE TRIGGER land_claim_pieces;
ALTER TABLE land_claim ALTER COLUMN creditable_area_m2 SET NOT NULL,
  ADD CONSTRAINT land_claim_creditable_check CHECK (creditable_area_m2 > 0);
-- Null on rounds opened before this revision: they froze the whole outline.
ALTER TABLE round_parcel ADD COLUMN creditable_area_m2 double precision;

-- One constraint for parcels and for other programmes. Two claims of other programmes have one
-- owner: whether those two agree with each other is not decided here.
ALTER TABLE land_claim_piece DROP CONSTRAINT no_double_land;
ALTER TABLE land_claim_piece ALTER COLUMN parcel_id DROP NOT NULL,
  ADD COLUMN programme_claim_id bigint REFERENCES programme_claim,
  ADD COLUMN owner bigint GENERATED ALWAYS AS (coalesce(parcel_id, 0)) STORED,
  ADD COLUMN pools int4multirange NOT NULL DEFAULT '{[0,100)}',
  ADD CONSTRAINT land_claim_piece_one_owner CHECK (num_nonnulls(parcel_id, programme_claim_id) = 1),
  ADD CONSTRAINT no_double_land EXCLUDE USING gist
    (piece WITH &&, owner WITH <>, period WITH &&, pools WITH &&) DEFERRABLE INITIALLY IMMEDIATE;
CREATE INDEX land_claim_piece_programme_claim_id_idx ON land_claim_piece (programme_claim_id)
  WHERE programme_claim_id IS NOT NULL;

-- Pools as numbers, so that "all" meets each of them: 0 is the register itself, in which no two
-- parcels share land whatever they are credited for. Only the registrar's policy tells pools apart.
CREATE FUNCTION land_pools(pool text) RETURNS int4multirange LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
  SELECT CASE WHEN (SELECT value #>> '{}' FROM policy
                    WHERE key = 'programme_pools' AND valid_from <= current_date
                      AND (valid_to IS NULL OR valid_to > current_date)
                    ORDER BY valid_from DESC, id DESC LIMIT 1) IS DISTINCT FROM 'differ'
              THEN '{[0,100)}'::int4multirange
              ELSE CASE pool WHEN 'parcel' THEN '{[0,2)}' WHEN 'biomass' THEN '{[1,2)}'
                   WHEN 'dead_wood' THEN '{[2,3)}' WHEN 'litter' THEN '{[3,4)}'
                   WHEN 'soil' THEN '{[4,5)}' WHEN 'wood_products' THEN '{[5,6)}'
                   WHEN 'non_co2' THEN '{[6,7)}' ELSE '{[0,100)}' END::int4multirange END $$;

-- Whether anything about a parcel is undecided: it enrols nothing and is credited nothing.
CREATE FUNCTION land_in_doubt(wanted bigint) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM parcel_mark WHERE parcel_id = wanted AND closed_at IS NULL
                 AND code IN ('declared_area', 'small', 'succession'))
      OR EXISTS (SELECT FROM overlap_case WHERE parcel_id = wanted AND status IN ('open', 'proposed'))
      OR EXISTS (SELECT FROM overlap_case c JOIN overlap_case_other o ON o.case_id = c.id
                 WHERE o.parcel_id = wanted AND c.kind = 'overlap'
                   AND c.status IN ('open', 'proposed')) $$;

-- Hold the ground under an outline until the transaction ends: the sums below are looked up and
-- then relied on, and only a lock keeps a rival from doing the same at the same instant. Cells of
-- 2 km, in order; a bulk of claims or a county-size outline holds the whole registry.
CREATE FUNCTION lock_land(outline_m geometry) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  x0 bigint := floor(ST_XMin(outline_m) / 2000); x1 bigint := floor(ST_XMax(outline_m) / 2000);
  y0 bigint := floor(ST_YMin(outline_m) / 2000); y1 bigint := floor(ST_YMax(outline_m) / 2000);
  cell bigint;
BEGIN
  -- A snapshot older than the lock would not see what the lock was waited for.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'claims are made in READ COMMITTED only' USING ERRCODE = '55000';
  END IF;
  IF (x1 - x0 + 1) * (y1 - y0 + 1) > 64 THEN
    PERFORM pg_advisory_xact_lock(7001, 0);
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock_shared(7001, 0);
  FOR cell IN SELECT (x << 24) # y FROM generate_series(x0, x1) x, generate_series(y0, y1) y ORDER BY 1
  LOOP
    PERFORM pg_advisory_xact_lock((1::bigint << 62) | cell);
  END LOOP;
END $$;

-- What an outline shares with claims of the same days without being deeper than the tolerance.
CREATE FUNCTION land_slivers(wanted bigint, outline geometry, outline_m geometry, days daterange)
RETURNS TABLE (parcel_id bigint, programme_claim_id bigint, precedence_at timestamptz,
               shared_m2 double precision)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
  -- Most neighbours only touch; to see that costs a third of cutting them.
  RETURN QUERY
  SELECT near.parcel_id, near.programme_claim_id, near.precedence_at, s.m2
  FROM (SELECT c.parcel_id, NULL::bigint AS programme_claim_id, c.precedence_at, v.boundary
        FROM (SELECT w.id, w.parcel_id, w.boundary, w.boundary_m FROM parcel_version w
              WHERE w.boundary_m && outline_m AND w.parcel_id <> wanted OFFSET 0) v
        JOIN land_claim c ON c.parcel_id = v.parcel_id AND c.version_id = v.id
        WHERE daterange(c.starts_on, c.ends_on) && days
          AND ST_Relate(v.boundary_m, outline_m, 'T********')
        UNION ALL
        SELECT NULL, p.id, p.recorded_at, p.boundary FROM programme_claim p
        WHERE p.status <> 'ended' AND p.boundary_m && outline_m
          AND daterange(p.starts_on, p.ends_on) && days
          AND ST_Relate(p.boundary_m, outline_m, 'T********')) near,
  LATERAL (SELECT ST_CollectionExtract(ST_Intersection(near.boundary, outline), 3) AS shape
           OFFSET 0) i,
  LATERAL (SELECT ST_Area(i.shape::geography) AS m2 OFFSET 0) s
  WHERE s.m2 > 0.01
    AND ST_IsEmpty(ST_Buffer(ST_Transform(i.shape, 4549), -0.5));
END $$;

-- Plans are kept for as long as a connection lives, and claims may be few when one is made and a hundred
-- thousand afterwards: by index only.
CREATE FUNCTION land_claim_checks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  version parcel_version; days daterange; total_m2 double precision; given_m2 double precision;
  successor boolean; begins boolean;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    -- What was credited stays claimed, whatever becomes of the parcel.
    IF EXISTS (SELECT FROM parcel_credit k JOIN monitoring_round r ON r.id = k.round_id
               WHERE k.parcel_id = NEW.parcel_id
                 AND NOT daterange(r.period_start, r.period_end)
                         <@ daterange(NEW.starts_on, NEW.ends_on)) THEN
      RAISE EXCEPTION 'credited days stay claimed' USING ERRCODE = '23514',
        CONSTRAINT = 'credited_stays_claimed';
    END IF;
    IF NEW.version_id = OLD.version_id AND NEW.starts_on >= OLD.starts_on
       AND coalesce(NEW.ends_on, 'infinity') <= coalesce(OLD.ends_on, 'infinity') THEN
      NEW.creditable_area_m2 := OLD.creditable_area_m2;  -- Nothing new is claimed.
      RETURN NEW;
    END IF;
  END IF;
  SELECT * INTO version FROM parcel_version WHERE id = NEW.version_id;
  days := daterange(NEW.starts_on, NEW.ends_on);
  begins := TG_OP = 'INSERT' OR OLD.ends_on IS NOT NULL;
  PERFORM lock_land(version.boundary_m);
  IF begins AND land_in_doubt(NEW.parcel_id) THEN
    RAISE EXCEPTION 'a doubt is open' USING ERRCODE = '23514', CONSTRAINT = 'land_in_doubt';
  END IF;
  -- A successor claims what its parents have claimed: only its share of the slivers is new.
  successor := EXISTS (SELECT FROM succession_parcel
                       WHERE parcel_id = NEW.parcel_id AND side = 'child');
  SELECT coalesce(sum(s.shared_m2), 0),
         coalesce(sum(s.shared_m2) FILTER (WHERE s.precedence_at < NEW.precedence_at), 0)
    INTO total_m2, given_m2
    FROM land_slivers(NEW.parcel_id, version.boundary, version.boundary_m, days) s;
  IF NOT successor AND total_m2 > least(200.0, 0.005 * version.area_m2)
     AND total_m2 > 1 + coalesce((SELECT max(shared_m2) FROM overlap_case
       WHERE parcel_id = NEW.parcel_id AND version_id = NEW.version_id AND kind = 'slivers'
         AND status = 'decided' AND outcome = 'within_accuracy'), 0) THEN
    RAISE EXCEPTION 'slivers add up' USING ERRCODE = '23514', CONSTRAINT = 'land_slivers';
  END IF;
  IF begins AND NOT successor AND EXISTS (
    SELECT FROM (
      SELECT w.parcel_id, w.boundary_m FROM parcel_version w
      JOIN land_claim k ON k.parcel_id = w.parcel_id AND k.version_id = w.id
      WHERE w.parcel_id <> NEW.parcel_id AND w.boundary_m && version.boundary_m
        AND NOT daterange(k.starts_on, k.ends_on) && days
        AND w.area_m2 BETWEEN 0.95 * version.area_m2 AND version.area_m2 / 0.95 OFFSET 0) c,
      LATERAL (SELECT ST_Area(ST_Intersection(c.boundary_m, version.boundary_m)) AS m2 OFFSET 0) i
    WHERE i.m2 > 0.95 * (ST_Area(c.boundary_m) + ST_Area(version.boundary_m) - i.m2)
      AND NOT EXISTS (SELECT FROM overlap_case d JOIN overlap_case_other o ON o.case_id = d.id
        WHERE d.parcel_id = NEW.parcel_id AND d.version_id = NEW.version_id
          AND d.status = 'decided' AND d.outcome = 'reregistration' AND o.parcel_id = c.parcel_id)
  ) THEN
    RAISE EXCEPTION 'the shape of an earlier parcel' USING ERRCODE = '23514',
      CONSTRAINT = 'land_duplicate';
  END IF;
  NEW.creditable_area_m2 := version.area_m2 - round(given_m2::numeric, 2)::double precision;
  RETURN NEW;
END $$;
CREATE TRIGGER land_claim_checks BEFORE INSERT OR UPDATE ON land_claim
  FOR EACH ROW EXECUTE FUNCTION land_claim_checks();

CREATE OR REPLACE FUNCTION land_claim_pieces() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
  version parcel_version; mine int4multirange; eroded geometry;
  whole_m2 double precision; eroded_m2 double precision;
BEGIN
  SELECT * INTO version FROM parcel_version WHERE id = NEW.version_id AND parcel_id = NEW.parcel_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'claim on another parcel''s outline' USING ERRCODE = '23503';
  END IF;
  IF version.area_m2 < 10000 / 15.0 THEN
    RAISE EXCEPTION 'less than one mu' USING ERRCODE = '23514', CONSTRAINT = 'land_claim_too_small';
  END IF;
  eroded := ST_Buffer(version.boundary_m, -0.5, 'join=mitre mitre_limit=2');
  whole_m2 := ST_Area(version.boundary_m);
  eroded_m2 := ST_Area(eroded);
  -- Closes the evasion of two hundred strips that all vanish under erosion.
  IF eroded_m2 < 0.5 * whole_m2 THEN
    RAISE EXCEPTION 'too thin' USING ERRCODE = '23514', CONSTRAINT = 'land_claim_too_thin';
  END IF;
  -- Closes its sister: a broad parcel with a comb of strips laid over a neighbour. What is narrower
  -- than a metre is gone after erosion and does not come back with the dilation. The dilation holds
  -- the eroded outline, so nothing is asked where that alone is large enough.
  IF eroded_m2 < 0.95 * whole_m2
     AND ST_Area(ST_Buffer(eroded, 0.5, 'join=mitre mitre_limit=2')) < 0.95 * whole_m2 THEN
    RAISE EXCEPTION 'too thin' USING ERRCODE = '23514', CONSTRAINT = 'land_claim_too_thin';
  END IF;
  DELETE FROM land_claim_piece WHERE parcel_id = NEW.parcel_id;
  IF NEW.ends_on IS NULL OR NEW.ends_on > NEW.starts_on THEN
    -- Methods for tree-covered land count biomass; other land is claimed for every pool.
    SELECT land_pools(CASE WHEN sink_type IN ('bamboo', 'tea', 'other') THEN 'parcel' ELSE 'all' END)
      INTO mine FROM parcel WHERE id = NEW.parcel_id;
    INSERT INTO land_claim_piece (parcel_id, piece, period, pools)
      SELECT NEW.parcel_id, piece, daterange(NEW.starts_on, NEW.ends_on), mine
      FROM eroded_pieces(eroded) AS piece;
  END IF;
  IF NEW.ends_on IS NOT NULL THEN  -- What the parcel gives up may be another programme's.
    UPDATE programme_claim SET status = status
      WHERE status <> 'ended' AND ST_Intersects(boundary_m, version.boundary_m);
  END IF;
  RETURN NULL;
END $$;

-- Claims of parcels that meet an outline, days and pools.
CREATE FUNCTION land_held(outline_m geometry, wanted daterange, pools int4multirange)
RETURNS TABLE (boundary_m geometry, days daterange) LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
  SELECT v.boundary_m, daterange(c.starts_on, c.ends_on)
  FROM parcel_version v JOIN land_claim c ON c.parcel_id = v.parcel_id AND c.version_id = v.id
  WHERE ST_Intersects(v.boundary_m, outline_m) AND daterange(c.starts_on, c.ends_on) && wanted
    AND EXISTS (SELECT FROM land_claim_piece q
                WHERE q.parcel_id = c.parcel_id AND q.pools && land_held.pools) $$;

-- A programme's claim is a fact that came late: land of the register keeps its own days, the rest is
-- claimed for the programme. What is disputed is decided by people (`overlap_case`).
CREATE FUNCTION programme_claim_pieces() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
  wanted daterange := daterange(NEW.starts_on, NEW.ends_on); mine int4multirange := land_pools(NEW.pool);
BEGIN
  DELETE FROM land_claim_piece WHERE programme_claim_id = NEW.id;
  IF NEW.status = 'ended' THEN
    RETURN NULL;
  END IF;
  PERFORM lock_land(NEW.boundary_m);
  INSERT INTO land_claim_piece (programme_claim_id, piece, period, pools)
    WITH held AS MATERIALIZED (SELECT * FROM land_held(NEW.boundary_m, wanted, mine)),
    part AS (
      SELECT ST_Difference(NEW.boundary_m, coalesce(ST_Union(boundary_m),
                           'SRID=4549;POLYGON EMPTY'::geometry)) AS shape,
             datemultirange(wanted) AS free FROM held
      UNION ALL
      SELECT ST_Intersection(NEW.boundary_m, h.boundary_m),
             datemultirange(wanted) - (SELECT range_agg(o.days) FROM held o
                                       WHERE ST_Intersects(o.boundary_m, h.boundary_m))
      FROM held h)
    SELECT NEW.id, piece, period, mine
    FROM part, unnest(part.free) period, claim_pieces(ST_CollectionExtract(part.shape, 3)) piece;
  RETURN NULL;
END $$;
CREATE TRIGGER programme_claim_pieces AFTER INSERT OR UPDATE ON programme_claim
  FOR EACH ROW EXECUTE FUNCTION programme_claim_pieces();

-- A claim of another programme: only its standing changes.
CREATE FUNCTION programme_claim_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.status = 'ended'
     OR to_jsonb(NEW) - '{status,ended_by_id,ended_reason,boundary_m}'::text[]
        <> to_jsonb(OLD) - '{status,ended_by_id,ended_reason,boundary_m}'::text[] THEN
    RAISE EXCEPTION 'a claim of a programme is only ever ended' USING ERRCODE = '23514',
      CONSTRAINT = 'append_only';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER programme_claim_keeps BEFORE UPDATE OR DELETE ON programme_claim
  FOR EACH ROW EXECUTE FUNCTION programme_claim_keeps();

-- Nothing is credited while a doubt is open, whoever issues.
CREATE FUNCTION credit_without_doubt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF land_in_doubt(NEW.parcel_id) THEN
    RAISE EXCEPTION 'a doubt is open' USING ERRCODE = '23514', CONSTRAINT = 'land_in_doubt';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER credit_without_doubt BEFORE INSERT ON parcel_credit
  FOR EACH ROW EXECUTE FUNCTION credit_without_doubt();

-- Succession: a parent stands until it is succeeded, and no open round has frozen it.
CREATE FUNCTION succession_parent_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.side = 'parent' THEN
    IF (SELECT status FROM parcel WHERE id = NEW.parcel_id FOR UPDATE) = 'withdrawn' THEN
      RAISE EXCEPTION 'a parent that has left already' USING ERRCODE = '23514',
        CONSTRAINT = 'succession_parent';
    END IF;
    IF EXISTS (SELECT FROM round_parcel f JOIN monitoring_round r ON r.id = f.round_id
               JOIN project p ON p.id = r.project_id WHERE f.parcel_id = NEW.parcel_id
               AND r.status <> 'issued' AND p.status <> 'rejected') THEN
      RAISE EXCEPTION 'frozen in an open round' USING ERRCODE = '23514',
        CONSTRAINT = 'succession_round_open';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER succession_parent_stands BEFORE INSERT ON succession_parcel
  FOR EACH ROW EXECUTE FUNCTION succession_parent_stands();

-- At COMMIT the children cover the parents, the parents have left (they stood when the row above
-- was written, so they left in this very transaction), and their contracts name the children.
CREATE FUNCTION succession_covers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
  this succession; parents int; children int; before_m geometry; after_m geometry;
  apart_m geometry; parts_m2 double precision; tolerance_m2 double precision;
BEGIN
  SELECT * INTO this FROM succession
    WHERE id = (to_jsonb(NEW) ->> CASE TG_TABLE_NAME WHEN 'succession' THEN 'id' ELSE 'succession_id' END)::bigint;
  SELECT count(*) FILTER (WHERE s.side = 'parent'), count(*) FILTER (WHERE s.side = 'child'),
         ST_Union(v.boundary_m) FILTER (WHERE s.side = 'parent'),
         ST_Union(v.boundary_m) FILTER (WHERE s.side = 'child'),
         sum(ST_Area(v.boundary_m)) FILTER (WHERE s.side = 'child')
    INTO parents, children, before_m, after_m, parts_m2
    FROM succession_parcel s
    JOIN parcel_version v ON v.id = s.version_id AND v.parcel_id = s.parcel_id AND v.valid_to IS NULL
    WHERE s.succession_id = this.id;
  IF (this.kind = 'split' AND (parents <> 1 OR children < 2))
     OR (this.kind = 'merge' AND (parents < 2 OR children <> 1)) THEN
    RAISE EXCEPTION 'not a split or a merge' USING ERRCODE = '23514', CONSTRAINT = 'succession_shape';
  END IF;
  IF EXISTS (SELECT FROM succession_parcel s JOIN parcel p ON p.id = s.parcel_id
             LEFT JOIN land_claim c ON c.parcel_id = p.id
             WHERE s.succession_id = this.id AND s.side = 'parent'
               AND (p.status <> 'withdrawn' OR (c.parcel_id IS NOT NULL AND c.ends_on IS NULL))) THEN
    RAISE EXCEPTION 'the parent still stands' USING ERRCODE = '23514', CONSTRAINT = 'succession_parent';
  END IF;
  -- The ledger's area and the stored outline agree within 0.01 %; a straight side that is cut in two
  -- moves by less than that, and nowhere by the width that counts as land.
  tolerance_m2 := greatest(1.0, 0.0001 * ST_Area(before_m));
  apart_m := ST_SymDifference(before_m, after_m);
  IF ST_Area(apart_m) > tolerance_m2 OR NOT ST_IsEmpty(ST_Buffer(apart_m, -0.5))
     OR parts_m2 > ST_Area(after_m) + tolerance_m2 THEN
    RAISE EXCEPTION 'the children do not cover the parents' USING ERRCODE = '23514',
      CONSTRAINT = 'succession_covers';
  END IF;
  IF EXISTS (SELECT FROM succession_parcel s JOIN contract_parcel k ON k.parcel_id = s.parcel_id
             WHERE s.succession_id = this.id AND s.side = 'parent' AND k.standing)
     OR EXISTS (SELECT FROM succession_parcel s JOIN parcel p ON p.id = s.parcel_id
                WHERE s.succession_id = this.id AND s.side = 'child' AND p.status = 'under_contract'
                  AND NOT EXISTS (SELECT FROM contract_parcel k
                                  WHERE k.parcel_id = s.parcel_id AND k.standing)) THEN
    RAISE EXCEPTION 'the contract does not follow' USING ERRCODE = '23514',
      CONSTRAINT = 'succession_contract';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER succession_covers AFTER INSERT ON succession
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION succession_covers();
CREATE CONSTRAINT TRIGGER succession_parcel_covers AFTER INSERT ON succession_parcel
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION succession_covers();

-- A case whose subject is gone (redrawn, sent back, withdrawn) lapses; a closed case stays closed.
CREATE FUNCTION overlap_case_lapses() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE gone bigint := (to_jsonb(NEW) ->> CASE TG_TABLE_NAME WHEN 'parcel' THEN 'id' ELSE 'parcel_id' END)::bigint;
BEGIN
  UPDATE overlap_case SET status = 'lapsed'
    WHERE parcel_id = gone AND status IN ('open', 'proposed');
  IF TG_TABLE_NAME = 'parcel' THEN
    UPDATE overlap_case c SET status = 'lapsed'
      WHERE c.kind IN ('overlap', 'slivers') AND c.status IN ('open', 'proposed')
        AND EXISTS (SELECT FROM overlap_case_other o WHERE o.case_id = c.id AND o.parcel_id = gone)
        AND NOT EXISTS (SELECT FROM overlap_case_other o LEFT JOIN parcel p ON p.id = o.parcel_id
                        WHERE o.case_id = c.id AND p.status IS DISTINCT FROM 'withdrawn');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER overlap_case_lapses AFTER UPDATE OF status ON parcel
  FOR EACH ROW WHEN (NEW.status IN ('draft', 'withdrawn')) EXECUTE FUNCTION overlap_case_lapses();
CREATE TRIGGER overlap_case_lapses AFTER UPDATE OF valid_to ON parcel_version
  FOR EACH ROW EXECUTE FUNCTION overlap_case_lapses();
CREATE FUNCTION overlap_case_stays_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.status IN ('decided', 'lapsed') THEN
    RAISE EXCEPTION 'a closed case stays closed' USING ERRCODE = '23514', CONSTRAINT = 'append_only';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER overlap_case_stays_closed BEFORE UPDATE OR DELETE ON overlap_case
  FOR EACH ROW EXECUTE FUNCTION overlap_case_stays_closed();

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['succession_parcel', 'overlap_case_other'] LOOP
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['succession', 'succession_parcel', 'right_transfer',
    'right_transfer_told', 'programme_claim', 'overlap_case', 'overlap_case_other'] LOOP
    EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO sinks_app', name);
  END LOOP;
END $$;
GRANT UPDATE (reviewed_by_id, reviewed_at) ON succession TO sinks_app;
GRANT UPDATE (accepted, decided_by_id, decided_at, decision_reason) ON right_transfer TO sinks_app;
GRANT UPDATE (seen_by_id, seen_at) ON right_transfer_told TO sinks_app;
GRANT UPDATE (status, ended_by_id, ended_reason) ON programme_claim TO sinks_app;
GRANT UPDATE ON overlap_case TO sinks_app;

-- Who gave land to whom names households.
ALTER TABLE right_transfer ENABLE ROW LEVEL SECURITY;
ALTER TABLE right_transfer FORCE ROW LEVEL SECURITY;
CREATE POLICY works_with_holders ON right_transfer USING (sinks_works_with_holders());
ALTER TABLE right_transfer_told ENABLE ROW LEVEL SECURITY;
ALTER TABLE right_transfer_told FORCE ROW LEVEL SECURITY;
CREATE POLICY works_with_holders ON right_transfer_told USING (sinks_works_with_holders());
