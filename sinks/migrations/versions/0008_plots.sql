-- The sample is drawn before anybody goes out, and nothing of it changes afterwards.
CREATE TABLE sample_design (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT sample_design_pkey PRIMARY KEY,
  project_id bigint NOT NULL,
  number bigint NOT NULL,
  kind character varying NOT NULL,
  design_json text NOT NULL,
  nonce character varying NOT NULL,
  seed character varying NOT NULL,
  spacing_m jsonb,
  drawn_on date NOT NULL,
  person_id bigint NOT NULL,
  recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT sample_design_project_id_number_key UNIQUE (project_id, number),
  CONSTRAINT sample_design_kind_check CHECK (kind IN ('random', 'systematic')),
  -- The seed is what anybody computes from the design and the nonce beside it.
  CONSTRAINT sample_design_seed_check CHECK (
    seed = encode(sha256(convert_to(design_json || E'\n' || nonce, 'UTF8')), 'hex')),
  CONSTRAINT sample_design_project_id_fkey FOREIGN KEY (project_id) REFERENCES project,
  CONSTRAINT sample_design_person_id_fkey FOREIGN KEY (person_id) REFERENCES person
);
CREATE TABLE sample_point (
  design_id bigint NOT NULL,
  code character varying NOT NULL,
  stratum character varying NOT NULL,
  longitude double precision NOT NULL,
  latitude double precision NOT NULL,
  CONSTRAINT sample_point_pkey PRIMARY KEY (design_id, code),
  CONSTRAINT sample_point_design_id_fkey FOREIGN KEY (design_id) REFERENCES sample_design
);

-- Plots drawn again for a second measurement, each with the visit it will be held against.
CREATE TABLE second_draw (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT second_draw_pkey PRIMARY KEY,
  project_id bigint NOT NULL,
  number bigint NOT NULL,
  draw_json text NOT NULL,
  nonce character varying NOT NULL,
  seed character varying NOT NULL,
  drawn_on date NOT NULL,
  person_id bigint NOT NULL,
  recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT second_draw_project_id_number_key UNIQUE (project_id, number),
  CONSTRAINT second_draw_seed_check CHECK (
    seed = encode(sha256(convert_to(draw_json || E'\n' || nonce, 'UTF8')), 'hex')),
  CONSTRAINT second_draw_project_id_fkey FOREIGN KEY (project_id) REFERENCES project,
  CONSTRAINT second_draw_person_id_fkey FOREIGN KEY (person_id) REFERENCES person
);
CREATE TABLE second_plot (
  draw_id bigint NOT NULL,
  plot_id bigint NOT NULL,
  visit_id bigint NOT NULL,
  CONSTRAINT second_plot_pkey PRIMARY KEY (draw_id, plot_id),
  CONSTRAINT second_plot_draw_id_fkey FOREIGN KEY (draw_id) REFERENCES second_draw,
  CONSTRAINT second_plot_plot_id_fkey FOREIGN KEY (plot_id) REFERENCES plot,
  CONSTRAINT second_plot_visit_id_fkey FOREIGN KEY (visit_id) REFERENCES plot_visit
);
CREATE TABLE second_measurement (
  draw_id bigint NOT NULL,
  plot_id bigint NOT NULL,
  measured_on date NOT NULL,
  culms jsonb NOT NULL,
  person_id bigint NOT NULL,
  recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  -- Once only: whoever has saved has seen the first measurement.
  CONSTRAINT second_measurement_pkey PRIMARY KEY (draw_id, plot_id),
  CONSTRAINT second_measurement_draw_id_plot_id_fkey FOREIGN KEY (draw_id, plot_id) REFERENCES second_plot,
  CONSTRAINT second_measurement_person_id_fkey FOREIGN KEY (person_id) REFERENCES person
);

-- Photos of a visit: the file lies in the document store, with its hash.
CREATE TABLE plot_photo (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT plot_photo_pkey PRIMARY KEY,
  visit_id bigint NOT NULL,
  document_id bigint NOT NULL,
  longitude double precision NOT NULL,
  latitude double precision NOT NULL,
  taken_at timestamp with time zone NOT NULL,
  read_from_file boolean NOT NULL,
  person_id bigint NOT NULL,
  recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT plot_photo_document_id_key UNIQUE (document_id),
  CONSTRAINT plot_photo_visit_id_fkey FOREIGN KEY (visit_id) REFERENCES plot_visit,
  CONSTRAINT plot_photo_document_id_fkey FOREIGN KEY (document_id) REFERENCES document,
  CONSTRAINT plot_photo_person_id_fkey FOREIGN KEY (person_id) REFERENCES person
);
CREATE INDEX plot_photo_visit_id_idx ON plot_photo (visit_id);

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['sample_design', 'sample_point', 'second_draw', 'second_plot',
                              'second_measurement', 'plot_photo'] LOOP
    EXECUTE format('GRANT SELECT, INSERT ON %I TO sinks_app', name);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
    EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
END $$;
