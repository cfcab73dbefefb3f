-- What a planting project states of itself; a later statement takes the place of an earlier one.
CREATE TABLE project_facts (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT project_facts_pkey PRIMARY KEY,
  project_id bigint NOT NULL,
  values jsonb NOT NULL,
  person_id bigint NOT NULL,
  recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT project_facts_project_id_fkey FOREIGN KEY (project_id) REFERENCES project,
  CONSTRAINT project_facts_person_id_fkey FOREIGN KEY (person_id) REFERENCES person
);
CREATE INDEX project_facts_project_id_idx ON project_facts (project_id);

-- What a round of a planting project has frozen beside parcels and plots.
CREATE TABLE round_facts (
  round_id bigint CONSTRAINT round_facts_pkey PRIMARY KEY,
  project_facts_id bigint NOT NULL,
  period jsonb NOT NULL,
  land jsonb NOT NULL,
  person_id bigint NOT NULL,
  recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT round_facts_round_id_fkey FOREIGN KEY (round_id) REFERENCES monitoring_round,
  CONSTRAINT round_facts_project_facts_id_fkey FOREIGN KEY (project_facts_id)
    REFERENCES project_facts,
  CONSTRAINT round_facts_person_id_fkey FOREIGN KEY (person_id) REFERENCES person
);

GRANT SELECT, INSERT ON project_facts, round_facts TO sinks_app;
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['project_facts', 'round_facts'] LOOP
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
    EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
END $$;
