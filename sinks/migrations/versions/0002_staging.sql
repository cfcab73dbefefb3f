-- Imports are staged before they are committed; long work is a job.

CREATE TABLE job (
  id bigint GENERATED ALWAYS AS IDENTITY,
  kind varchar NOT NULL,
  title varchar NOT NULL,
  arguments jsonb NOT NULL,
  person_id bigint NOT NULL,
  state varchar NOT NULL DEFAULT 'queued',
  cancel_asked boolean NOT NULL DEFAULT false,
  phase varchar NOT NULL DEFAULT '',
  done bigint NOT NULL DEFAULT 0,
  total bigint,
  attempt bigint NOT NULL DEFAULT 0,
  result jsonb,
  error_code varchar,
  error varchar,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  heartbeat_at timestamptz,
  ended_at timestamptz,
  CONSTRAINT job_pkey PRIMARY KEY (id),
  CONSTRAINT job_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id),
  CONSTRAINT job_state_check
    CHECK (state IN ('queued', 'running', 'done', 'refused', 'failed', 'cancelled')),
  CONSTRAINT job_ended_check
    CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL))
);
CREATE INDEX job_waiting_idx ON job (id) WHERE ended_at IS NULL;
CREATE INDEX job_person_id_idx ON job (person_id);
-- What has ended stays as it ended.
CREATE FUNCTION job_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL OR NEW.person_id <> OLD.person_id
     OR NEW.kind <> OLD.kind OR NEW.arguments <> OLD.arguments THEN
    RAISE EXCEPTION 'a job that has ended is not changed' USING ERRCODE = '23514',
      CONSTRAINT = 'append_only';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER job_ends_once BEFORE UPDATE OR DELETE ON job
  FOR EACH ROW EXECUTE FUNCTION job_ends_once();

CREATE TABLE column_mapping (
  id bigint GENERATED ALWAYS AS IDENTITY,
  source varchar NOT NULL,
  fields_sha256 varchar NOT NULL,
  fields jsonb NOT NULL,
  mapping jsonb NOT NULL,
  person_id bigint NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT column_mapping_pkey PRIMARY KEY (id),
  CONSTRAINT column_mapping_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id)
);
CREATE INDEX column_mapping_fields_sha256_idx ON column_mapping (fields_sha256);

CREATE TABLE import_batch (
  id bigint GENERATED ALWAYS AS IDENTITY,
  document_id bigint NOT NULL,
  file_name varchar NOT NULL,
  sha256 varchar NOT NULL,
  sink_type varchar NOT NULL,
  options jsonb NOT NULL,
  source varchar NOT NULL DEFAULT '',
  mapping jsonb NOT NULL,
  state varchar NOT NULL DEFAULT 'reading',
  error_code varchar,
  error varchar,
  reading jsonb NOT NULL,
  counts jsonb NOT NULL,
  answers jsonb NOT NULL,
  job_id bigint,
  import_id bigint,
  person_id bigint NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  decided_by_id bigint,
  decided_at timestamptz,
  CONSTRAINT import_batch_pkey PRIMARY KEY (id),
  CONSTRAINT import_batch_document_id_fkey FOREIGN KEY (document_id) REFERENCES document(id),
  CONSTRAINT import_batch_job_id_fkey FOREIGN KEY (job_id) REFERENCES job(id),
  CONSTRAINT import_batch_import_id_fkey FOREIGN KEY (import_id) REFERENCES land_import(id),
  CONSTRAINT import_batch_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id),
  CONSTRAINT import_batch_decided_by_id_fkey FOREIGN KEY (decided_by_id) REFERENCES person(id),
  CONSTRAINT import_batch_state_check
    CHECK (state IN ('reading', 'staged', 'committed', 'discarded', 'refused')),
  CONSTRAINT import_batch_committed_check CHECK ((state = 'committed') = (import_id IS NOT NULL))
);
CREATE INDEX import_batch_sha256_idx ON import_batch (sha256);

CREATE TABLE import_row (
  batch_id bigint NOT NULL,
  row_no bigint NOT NULL,
  state varchar NOT NULL,
  taken boolean,
  boundary geometry(MultiPolygon, 4490),
  boundary_sha256 varchar,
  source_sha256 varchar,
  area_m2 double precision,
  declared_area_m2 double precision,
  district_code varchar,
  name varchar NOT NULL DEFAULT '',
  township varchar NOT NULL DEFAULT '',
  certificate_no varchar NOT NULL DEFAULT '',
  attributes jsonb NOT NULL,
  messages jsonb NOT NULL,
  repair jsonb,
  repair_boundary geometry(MultiPolygon, 4490),
  decided_by_id bigint,
  decided_reason varchar,
  CONSTRAINT import_row_pkey PRIMARY KEY (batch_id, row_no),
  CONSTRAINT import_row_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES import_batch(id),
  CONSTRAINT import_row_decided_by_id_fkey FOREIGN KEY (decided_by_id) REFERENCES person(id),
  CONSTRAINT import_row_state_check CHECK (state IN ('accepted', 'questioned', 'refused')),
  -- A refused row is never taken; a row that is taken has all that a parcel needs.
  CONSTRAINT import_row_taken_check CHECK (taken IS NOT TRUE OR (state <> 'refused'
    AND boundary IS NOT NULL AND boundary_sha256 IS NOT NULL AND area_m2 > 0
    AND district_code IS NOT NULL AND name <> ''))
);
CREATE INDEX import_row_boundary_idx ON import_row USING gist (boundary);
-- What was committed, and what was decided about it, is evidence.
CREATE FUNCTION import_row_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT state FROM import_batch WHERE id = OLD.batch_id) = 'committed' THEN
    RAISE EXCEPTION 'a committed import is not changed' USING ERRCODE = '23514',
      CONSTRAINT = 'append_only';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER import_row_is_kept BEFORE UPDATE OR DELETE ON import_row
  FOR EACH ROW EXECUTE FUNCTION import_row_is_kept();
CREATE FUNCTION import_batch_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.state IN ('committed', 'discarded')
     OR NEW.document_id <> OLD.document_id OR NEW.sha256 <> OLD.sha256 THEN
    RAISE EXCEPTION 'an import that has ended is not changed' USING ERRCODE = '23514',
      CONSTRAINT = 'append_only';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER import_batch_ends_once BEFORE UPDATE OR DELETE ON import_batch
  FOR EACH ROW EXECUTE FUNCTION import_batch_ends_once();
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['job', 'import_batch', 'import_row', 'column_mapping'] LOOP
    EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON column_mapping
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Parcels of one import are looked up by their file.
CREATE INDEX parcel_version_source_parcel_idx ON parcel_version (source_sha256, parcel_id);

GRANT SELECT, INSERT ON job, column_mapping, import_batch, import_row TO sinks_app;
GRANT UPDATE ON job, import_batch, import_row TO sinks_app;
GRANT DELETE ON import_row TO sinks_app;
-- The attributes of a stranger's file may name households.
ALTER TABLE import_row ENABLE ROW LEVEL SECURITY; ALTER TABLE import_row FORCE ROW LEVEL SECURITY;
CREATE POLICY works_with_imports ON import_row
  USING (sinks_has_role('officer', 'registrar', 'auditor', 'admin'));

-- The pieces of an outline that has been eroded already.
CREATE FUNCTION eroded_pieces(eroded geometry) RETURNS SETOF polygon LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE part geometry; small geometry;
BEGIN
  FOR part IN SELECT (ST_Dump(eroded)).geom LOOP
    CONTINUE WHEN ST_IsEmpty(part);
    IF ST_NumInteriorRings(part) > 0 THEN
      FOR small IN SELECT (ST_Dump(ST_TriangulatePolygon(part))).geom LOOP
        RETURN NEXT small::polygon;
      END LOOP;
    ELSIF ST_NPoints(part) > 64 THEN
      FOR small IN SELECT ST_Subdivide(part, 64) LOOP
        IF ST_GeometryType(small) = 'ST_Polygon' THEN RETURN NEXT small::polygon; END IF;
      END LOOP;
    ELSE
      RETURN NEXT part::polygon;
    END IF;
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION claim_pieces(outline_m geometry) RETURNS SETOF polygon
LANGUAGE sql IMMUTABLE AS
$$ SELECT eroded_pieces(ST_Buffer(outline_m, -0.5, 'join=mitre mitre_limit=2')) $$;
