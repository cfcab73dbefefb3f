-- Rounds that measure by records: what was done on a parcel in a year, and rounds without layers.

CREATE TABLE activity_record (
    id bigint GENERATED ALWAYS AS IDENTITY,
    parcel_id bigint NOT NULL,
    year bigint NOT NULL,
    kind character varying NOT NULL,
    slot character varying NOT NULL,
    values jsonb,
    supersedes_id bigint,
    person_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT activity_record_pkey PRIMARY KEY (id),
    CONSTRAINT activity_record_year_check CHECK (year BETWEEN 1990 AND 2100),
    CONSTRAINT activity_record_first_has_values_check
      CHECK (supersedes_id IS NOT NULL OR values IS NOT NULL),
    CONSTRAINT activity_record_id_parcel_id_year_kind_slot_key
      UNIQUE (id, parcel_id, year, kind, slot),
    CONSTRAINT activity_record_corrected_once UNIQUE (supersedes_id),
    CONSTRAINT activity_record_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel(id),
    CONSTRAINT activity_record_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id),
    -- A correction is of the same parcel, year, kind and slot.
    CONSTRAINT activity_record_supersedes_fkey
      FOREIGN KEY (supersedes_id, parcel_id, year, kind, slot)
      REFERENCES activity_record (id, parcel_id, year, kind, slot)
);
CREATE INDEX activity_record_parcel_id_idx ON activity_record (parcel_id);
-- With "corrected once": of a parcel, year, kind and slot exactly one record stands.
CREATE UNIQUE INDEX activity_record_first ON activity_record (parcel_id, year, kind, slot)
  WHERE supersedes_id IS NULL;

CREATE TABLE round_record (
    round_id bigint NOT NULL,
    record_id bigint NOT NULL,
    CONSTRAINT round_record_pkey PRIMARY KEY (round_id, record_id),
    CONSTRAINT round_record_round_id_fkey FOREIGN KEY (round_id) REFERENCES monitoring_round(id),
    CONSTRAINT round_record_record_id_fkey FOREIGN KEY (record_id) REFERENCES activity_record(id)
);

GRANT SELECT, INSERT ON activity_record, round_record TO sinks_app;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON activity_record
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON activity_record
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON round_record
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON round_record
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A round by records has no layers, and its parcels no numbers of a map.
ALTER TABLE monitoring_round ALTER COLUMN layer_start_id DROP NOT NULL;
ALTER TABLE monitoring_round ALTER COLUMN layer_end_id DROP NOT NULL;
ALTER TABLE monitoring_round ADD CONSTRAINT monitoring_round_both_layers_or_none_check
  CHECK ((layer_start_id IS NULL) = (layer_end_id IS NULL));
ALTER TABLE run_parcel ALTER COLUMN map_agb_t_ha_start DROP NOT NULL;
ALTER TABLE run_parcel ALTER COLUMN map_agb_t_ha_end DROP NOT NULL;
ALTER TABLE run_parcel ALTER COLUMN valid_share DROP NOT NULL;
ALTER TABLE run_parcel ADD CONSTRAINT run_parcel_map_whole_or_none_check CHECK (
  (map_agb_t_ha_start IS NULL) = (map_agb_t_ha_end IS NULL)
  AND (map_agb_t_ha_start IS NULL) = (valid_share IS NULL));

-- The first year of the project's practice; the years before it are the look-back.
ALTER TABLE project ADD COLUMN practice_from_year bigint;
