-- What was found on a plot that is no bamboo's; a visit has its culms or one reading.
CREATE TABLE plot_reading (
  visit_id bigint CONSTRAINT plot_reading_pkey PRIMARY KEY,
  kind character varying NOT NULL,
  values jsonb NOT NULL,
  CONSTRAINT plot_reading_visit_id_fkey FOREIGN KEY (visit_id) REFERENCES plot_visit,
  CONSTRAINT plot_reading_kind_check CHECK (kind IN ('trees', 'volume', 'tea_shoots'))
);
GRANT SELECT, INSERT ON plot_reading TO sinks_app;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON plot_reading
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON plot_reading
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A second measurement is of the kind of the first: culms, or a reading {"kind", "values"}.
ALTER TABLE second_measurement ADD COLUMN reading jsonb;
ALTER TABLE second_measurement ADD CONSTRAINT second_measurement_culms_or_reading_check
  CHECK (reading IS NULL OR culms = '[]'::jsonb);
