-- Consent of collectives, attributes of tea gardens and wetlands, constraint layers.

ALTER TABLE parcel_right ADD COLUMN unit_no character varying,
  ADD CONSTRAINT parcel_right_unit_no_check CHECK (unit_no IS NULL OR length(unit_no) = 28);
-- The list of what runs out reads by the end of the term.
CREATE INDEX parcel_right_term_to_idx ON parcel_right (term_to) WHERE term_to IS NOT NULL;

CREATE TABLE collective_consent (
    id bigint GENERATED ALWAYS AS IDENTITY,
    collective_id bigint NOT NULL,
    body character varying NOT NULL,
    entitled_count bigint NOT NULL,
    present_count bigint NOT NULL,
    in_favour_count bigint NOT NULL,
    meeting_notice_on date NOT NULL,
    met_on date NOT NULL,
    published_from date NOT NULL,
    published_to date NOT NULL,
    published_where character varying NOT NULL,
    resolution_document_id bigint NOT NULL,
    vote_document_id bigint NOT NULL,
    notice_document_id bigint NOT NULL,
    recorded_by_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    retracted_at timestamp with time zone,
    retracted_by_id bigint,
    retracted_reason character varying,
    CONSTRAINT collective_consent_pkey PRIMARY KEY (id),
    CONSTRAINT collective_consent_collective_id_fkey FOREIGN KEY (collective_id) REFERENCES party,
    CONSTRAINT collective_consent_resolution_document_id_fkey
      FOREIGN KEY (resolution_document_id) REFERENCES document,
    CONSTRAINT collective_consent_vote_document_id_fkey
      FOREIGN KEY (vote_document_id) REFERENCES document,
    CONSTRAINT collective_consent_notice_document_id_fkey
      FOREIGN KEY (notice_document_id) REFERENCES document,
    CONSTRAINT collective_consent_recorded_by_id_fkey FOREIGN KEY (recorded_by_id) REFERENCES person,
    CONSTRAINT collective_consent_retracted_by_id_fkey FOREIGN KEY (retracted_by_id) REFERENCES person,
    CONSTRAINT collective_consent_counts_check CHECK (in_favour_count > 0
      AND in_favour_count <= present_count AND present_count <= entitled_count),
    -- 森林法 18: two thirds of the whole body.
    CONSTRAINT collective_consent_two_thirds_check CHECK (3 * in_favour_count >= 2 * entitled_count),
    CONSTRAINT collective_consent_days_check CHECK (meeting_notice_on <= met_on
      AND met_on <= published_from AND published_from < published_to),
    CONSTRAINT collective_consent_body_check CHECK (body IN ('members', 'representatives')),
    CONSTRAINT collective_consent_retracted_check CHECK (
      (retracted_at IS NULL) = (retracted_by_id IS NULL)
      AND (retracted_at IS NULL) = (retracted_reason IS NULL))
);

CREATE TABLE consent_parcel (
    consent_id bigint NOT NULL,
    parcel_id bigint NOT NULL,
    CONSTRAINT consent_parcel_pkey PRIMARY KEY (consent_id, parcel_id),
    CONSTRAINT consent_parcel_consent_id_fkey FOREIGN KEY (consent_id) REFERENCES collective_consent,
    CONSTRAINT consent_parcel_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel
);
CREATE INDEX consent_parcel_parcel_id_idx ON consent_parcel (parcel_id);

CREATE TABLE parcel_attribute (
    id bigint GENERATED ALWAYS AS IDENTITY,
    parcel_id bigint NOT NULL,
    kind character varying NOT NULL,
    value jsonb NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    document_id bigint NOT NULL,
    recorded_by_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    reviewed_by_id bigint,
    reviewed_at timestamp with time zone,
    refused_at timestamp with time zone,
    refused_reason character varying,
    CONSTRAINT parcel_attribute_pkey PRIMARY KEY (id),
    CONSTRAINT parcel_attribute_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel,
    CONSTRAINT parcel_attribute_document_id_fkey FOREIGN KEY (document_id) REFERENCES document,
    CONSTRAINT parcel_attribute_recorded_by_id_fkey FOREIGN KEY (recorded_by_id) REFERENCES person,
    CONSTRAINT parcel_attribute_reviewed_by_id_fkey FOREIGN KEY (reviewed_by_id) REFERENCES person,
    CONSTRAINT parcel_attribute_kind_check CHECK (kind IN ('tea_certification', 'land_class', 'wetland')),
    CONSTRAINT parcel_attribute_period_check CHECK (valid_to IS NULL OR valid_to > valid_from),
    CONSTRAINT parcel_attribute_second_officer_check CHECK (reviewed_by_id <> recorded_by_id),
    CONSTRAINT parcel_attribute_decided_check CHECK (NOT (reviewed_at IS NOT NULL AND refused_at IS NOT NULL))
);
CREATE INDEX parcel_attribute_parcel_id_idx ON parcel_attribute (parcel_id);
CREATE UNIQUE INDEX parcel_attribute_one_open ON parcel_attribute (parcel_id, kind)
  WHERE reviewed_at IS NULL AND refused_at IS NULL;

CREATE TABLE constraint_layer (
    id bigint GENERATED ALWAYS AS IDENTITY,
    kind character varying NOT NULL,
    name character varying NOT NULL,
    district_codes jsonb NOT NULL,
    as_of date NOT NULL,
    source character varying NOT NULL,
    licence character varying NOT NULL,
    crs character varying NOT NULL,
    file_name character varying NOT NULL,
    sha256 character varying NOT NULL,
    document_id bigint NOT NULL,
    shapes bigint NOT NULL,
    refused jsonb NOT NULL,
    fields jsonb NOT NULL,
    fields_left_out jsonb NOT NULL,
    demonstration boolean NOT NULL,
    person_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    superseded_by_id bigint,
    superseded_at timestamp with time zone,
    CONSTRAINT constraint_layer_pkey PRIMARY KEY (id),
    CONSTRAINT constraint_layer_document_id_fkey FOREIGN KEY (document_id) REFERENCES document,
    CONSTRAINT constraint_layer_person_id_fkey FOREIGN KEY (person_id) REFERENCES person,
    CONSTRAINT constraint_layer_superseded_by_id_fkey
      FOREIGN KEY (superseded_by_id) REFERENCES constraint_layer,
    CONSTRAINT constraint_layer_superseded_check CHECK (superseded_by_id <> id),
    CONSTRAINT constraint_layer_superseded_whole_check
      CHECK ((superseded_by_id IS NULL) = (superseded_at IS NULL))
);
CREATE INDEX constraint_layer_kind_idx ON constraint_layer (kind);

CREATE TABLE constraint_shape (
    id bigint GENERATED ALWAYS AS IDENTITY,
    layer_id bigint NOT NULL,
    "row" bigint NOT NULL,
    shape_no character varying NOT NULL,
    attributes jsonb NOT NULL,
    boundary geometry(MultiPolygon, 4490) NOT NULL,
    boundary_m geometry(MultiPolygon, 4549)
      GENERATED ALWAYS AS (ST_Transform(boundary, 4549)) STORED,
    area_m2 double precision NOT NULL,
    declared_area_m2 double precision,
    geometry_sha256 character varying NOT NULL,
    CONSTRAINT constraint_shape_pkey PRIMARY KEY (id),
    CONSTRAINT constraint_shape_layer_id_fkey FOREIGN KEY (layer_id) REFERENCES constraint_layer,
    CONSTRAINT constraint_shape_boundary_valid_check CHECK (ST_IsValid(boundary))
);
CREATE UNIQUE INDEX constraint_shape_layer_row ON constraint_shape (layer_id, "row");
CREATE INDEX idx_constraint_shape_boundary ON constraint_shape USING gist (boundary);
CREATE INDEX idx_constraint_shape_boundary_m ON constraint_shape USING gist (boundary_m);

CREATE TABLE shape_parcel (
    parcel_id bigint NOT NULL,
    shape_id bigint NOT NULL,
    part character varying NOT NULL,
    line character varying,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT shape_parcel_pkey PRIMARY KEY (parcel_id),
    CONSTRAINT shape_parcel_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel,
    CONSTRAINT shape_parcel_shape_id_fkey FOREIGN KEY (shape_id) REFERENCES constraint_shape,
    CONSTRAINT shape_parcel_part_check CHECK (part IN ('whole', 'a', 'b'))
);
CREATE INDEX shape_parcel_shape_id_idx ON shape_parcel (shape_id);

GRANT SELECT, INSERT ON collective_consent, consent_parcel, parcel_attribute, constraint_layer,
  constraint_shape, shape_parcel TO sinks_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO sinks_app;
GRANT UPDATE (retracted_at, retracted_by_id, retracted_reason) ON collective_consent TO sinks_app;
GRANT UPDATE (valid_to, reviewed_by_id, reviewed_at, refused_at, refused_reason)
  ON parcel_attribute TO sinks_app;
GRANT UPDATE (superseded_by_id, superseded_at) ON constraint_layer TO sinks_app;

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['consent_parcel', 'constraint_shape', 'shape_parcel'] LOOP
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
    EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
END $$;

-- What was recorded stays; only the decision about it is added, once.
CREATE FUNCTION decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR to_jsonb(NEW) - TG_ARGV <> to_jsonb(OLD) - TG_ARGV
     OR jsonb_strip_nulls(to_jsonb(OLD)) - 'valid_to' <> jsonb_strip_nulls(to_jsonb(OLD)) - 'valid_to' - TG_ARGV
        AND to_jsonb(NEW) - 'valid_to' <> to_jsonb(OLD) - 'valid_to' THEN
    RAISE EXCEPTION 'what was recorded is not changed' USING ERRCODE = '23514',
      CONSTRAINT = 'append_only';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER decided_once BEFORE UPDATE OR DELETE ON collective_consent FOR EACH ROW
  EXECUTE FUNCTION decided_once('retracted_at', 'retracted_by_id', 'retracted_reason');
CREATE TRIGGER decided_once BEFORE UPDATE OR DELETE ON parcel_attribute FOR EACH ROW
  EXECUTE FUNCTION decided_once('valid_to', 'reviewed_by_id', 'reviewed_at', 'refused_at', 'refused_reason');
CREATE TRIGGER decided_once BEFORE UPDATE OR DELETE ON constraint_layer FOR EACH ROW
  EXECUTE FUNCTION decided_once('superseded_by_id', 'superseded_at');

-- Votes and holdings of a collective, and the maps of the counties, are for those who work with land.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['collective_consent', 'consent_parcel', 'constraint_shape',
    'shape_parcel', 'parcel_attribute'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY works_with_holders ON %I USING (sinks_works_with_holders())', name);
  END LOOP;
END $$;
