-- Layers of many variables, classes among them, with the range of their errors.

-- A layer of classes has a legend and no unit; any other has a unit and no legend. Layers of the
-- first revision lie as they came: they have no copy (cog_sha256) and keep their own file.
ALTER TABLE layer ALTER COLUMN unit DROP NOT NULL;
ALTER TABLE layer
  ADD COLUMN cog_sha256 character varying,
  ADD COLUMN legend jsonb,
  ADD COLUMN scale double precision,
  ADD COLUMN scale_offset double precision,
  ADD COLUMN minimum double precision,
  ADD COLUMN maximum double precision,
  ADD COLUMN valid_share double precision,
  ADD CONSTRAINT layer_unit_or_legend_check CHECK ((unit IS NULL) <> (legend IS NULL));

-- How the errors of an error layer correlate over distance. The newest holds for new runs; each run
-- keeps what it used.
CREATE TABLE layer_variogram (
    id bigint GENERATED ALWAYS AS IDENTITY,
    layer_id bigint NOT NULL,
    range_m double precision NOT NULL,
    nugget_share double precision NOT NULL,
    source character varying NOT NULL,
    person_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT layer_variogram_pkey PRIMARY KEY (id),
    CONSTRAINT layer_variogram_range_check CHECK (range_m > 0 AND range_m < 'infinity'),
    CONSTRAINT layer_variogram_nugget_check CHECK (nugget_share >= 0 AND nugget_share <= 1),
    CONSTRAINT layer_variogram_layer_id_fkey FOREIGN KEY (layer_id) REFERENCES layer(id),
    CONSTRAINT layer_variogram_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id)
);
CREATE INDEX layer_variogram_layer_id_idx ON layer_variogram (layer_id);
GRANT SELECT, INSERT ON layer_variogram TO sinks_app;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON layer_variogram
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON layer_variogram
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Null: the run took the errors of a map as fully correlated.
ALTER TABLE run ADD COLUMN map_error jsonb;
