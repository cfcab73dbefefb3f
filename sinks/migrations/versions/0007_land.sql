-- What the children of a split or a merge took over says by which one; the evidence stays the
-- parent's. Several of one kind may be taken over at once, one after the other in time.
ALTER TABLE parcel_attribute ADD COLUMN succession_id bigint
  CONSTRAINT parcel_attribute_succession_id_fkey REFERENCES succession;
ALTER TABLE consent_parcel ADD COLUMN succession_id bigint
  CONSTRAINT consent_parcel_succession_id_fkey REFERENCES succession;
DROP INDEX parcel_attribute_one_open;
CREATE UNIQUE INDEX parcel_attribute_one_open ON parcel_attribute (parcel_id, kind)
  WHERE reviewed_at IS NULL AND refused_at IS NULL AND succession_id IS NULL;

CREATE OR REPLACE FUNCTION land_in_doubt(wanted bigint) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM parcel_mark WHERE parcel_id = wanted AND closed_at IS NULL
                 AND code IN ('declared_area', 'small', 'succession', 'inherit_tea_certification',
                              'inherit_land_class', 'inherit_wetland', 'inherit_consent'))
      OR EXISTS (SELECT FROM overlap_case WHERE parcel_id = wanted AND status IN ('open', 'proposed'))
      OR EXISTS (SELECT FROM overlap_case c JOIN overlap_case_other o ON o.case_id = c.id
                 WHERE o.parcel_id = wanted AND c.kind = 'overlap'
                   AND c.status IN ('open', 'proposed')) $$;

-- A parcel leaves a project once, with the reason, and never while a round that is not issued yet
-- has it: what was measured on it is debited there, not forgotten.
ALTER TABLE project_parcel
  ADD COLUMN left_at timestamp with time zone,
  ADD COLUMN left_by_id bigint CONSTRAINT project_parcel_left_by_id_fkey REFERENCES person,
  ADD COLUMN left_reason character varying,
  ADD CONSTRAINT project_parcel_left_check CHECK (
    (left_at IS NULL) = (left_by_id IS NULL) AND (left_at IS NULL) = (left_reason IS NULL));
GRANT UPDATE (left_at, left_by_id, left_reason) ON project_parcel TO sinks_app;

CREATE FUNCTION project_parcel_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.left_at IS NOT NULL
     OR (NEW.project_id, NEW.parcel_id, NEW.stratum)
        IS DISTINCT FROM (OLD.project_id, OLD.parcel_id, OLD.stratum) THEN
    RAISE EXCEPTION 'a parcel leaves a project once' USING ERRCODE = '23514',
      CONSTRAINT = 'append_only';
  END IF;
  IF EXISTS (SELECT FROM round_parcel p JOIN monitoring_round r ON r.id = p.round_id
             WHERE p.parcel_id = NEW.parcel_id AND r.project_id = NEW.project_id
               AND r.status <> 'issued') THEN
    RAISE EXCEPTION 'a round that is not issued has parcel %', NEW.parcel_id
      USING ERRCODE = '23514', CONSTRAINT = 'project_parcel_in_round';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER project_parcel_leaves BEFORE UPDATE OR DELETE ON project_parcel
  FOR EACH ROW EXECUTE FUNCTION project_parcel_leaves();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON project_parcel
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION round_parcel_held() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE round monitoring_round;
BEGIN
  SELECT * INTO round FROM monitoring_round WHERE id = NEW.round_id;
  IF EXISTS (SELECT FROM project_parcel WHERE project_id = round.project_id
               AND parcel_id = NEW.parcel_id AND left_at IS NOT NULL) THEN
    RAISE EXCEPTION 'parcel % has left the project', NEW.parcel_id
      USING ERRCODE = '23514', CONSTRAINT = 'parcel_left_project';
  END IF;
  IF NOT parcel_held_by(NEW.parcel_id, (SELECT owner_id FROM project WHERE id = round.project_id),
                        round.period_start, round.period_end) THEN
    RAISE EXCEPTION 'parcel % is not the owner''s to credit', NEW.parcel_id
      USING ERRCODE = '23514', CONSTRAINT = 'parcel_not_held';
  END IF;
  RETURN NEW;
END $$;

-- Files of an overlap case are old certificates and photos: they name households.
ALTER POLICY of_case ON document USING (
  (subject NOT LIKE 'case:%' OR EXISTS (SELECT FROM court_case c WHERE 'case:' || c.id = subject))
  AND (subject NOT LIKE 'overlap:%' OR sinks_has_role('officer', 'registrar', 'auditor')));

-- The outline that a person is drawing, until it is kept or left: a browser forgets it.
CREATE TABLE outline_draft (
    person_id bigint NOT NULL,
    sketch jsonb NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT outline_draft_pkey PRIMARY KEY (person_id),
    CONSTRAINT outline_draft_person_id_fkey FOREIGN KEY (person_id) REFERENCES person
);
GRANT SELECT, INSERT, UPDATE, DELETE ON outline_draft TO sinks_app;
ALTER TABLE outline_draft ENABLE ROW LEVEL SECURITY;
ALTER TABLE outline_draft FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON outline_draft USING (
  person_id::text = current_setting('sinks.person', true));

-- Shapes of the counties' maps by place. Under a row policy PostgreSQL asks the policy of every row
-- before it looks at a geometry, and so reads the whole map for one parcel; this asks the same of who
-- looks, once, and then the index. The owner, as whom it runs, cannot log in.
ALTER TABLE constraint_shape NO FORCE ROW LEVEL SECURITY;
CREATE FUNCTION constraint_shapes_near(place geometry) RETURNS SETOF constraint_shape
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off ROWS 20 AS $$
BEGIN
  IF sinks_works_with_holders() THEN
    IF ST_SRID(place) = 4490 THEN
      RETURN QUERY SELECT s.* FROM constraint_shape s WHERE s.boundary && place;
    ELSE
      RETURN QUERY SELECT s.* FROM constraint_shape s WHERE s.boundary_m && place;
    END IF;
  END IF;
END $$;

-- The term of the right as the file states it; it goes to the right when the row becomes a parcel.
ALTER TABLE import_row ADD COLUMN term_from date, ADD COLUMN term_to date,
  ADD CONSTRAINT import_row_term_check CHECK (term_to IS NULL OR term_to > term_from);

-- Overlaps are measured in metres: an outline that crosses itself there would stop every comparison.
ALTER TABLE parcel_version
  ADD CONSTRAINT parcel_version_boundary_valid_in_metres_check CHECK (ST_IsValid(boundary_m));
