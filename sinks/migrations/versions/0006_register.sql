-- Who may credit a parcel: the cooperative of the contract that stands over it, else a party that
-- holds one whole reviewed right of use, management or income itself, for every day of [first, after).
-- A share of a right, or bare ownership of the land, does not carry the whole parcel's sink, and
-- nothing does once the income of the sink (碳汇收益权) is somebody else's.
CREATE FUNCTION parcel_held_by(parcel bigint, owner bigint, first date, after date) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN EXISTS (SELECT FROM contract_parcel m WHERE m.parcel_id = parcel AND m.standing) THEN
      EXISTS (
        SELECT FROM contract_parcel m JOIN contract c ON c.id = m.contract_id
        WHERE m.parcel_id = parcel AND m.standing AND c.cooperative_id = owner
          AND c.status = 'signed' AND c.term_from <= first AND c.term_to >= after)
    ELSE
      EXISTS (
        SELECT FROM parcel_right r
        WHERE r.parcel_id = parcel AND r.party_id = owner AND r.reviewed_at IS NOT NULL
          AND r.kind IN ('sink_income', 'management', 'land_use', 'tree_use', 'tree_ownership')
          AND coalesce(r.term_from, first) <= first
          AND coalesce(least(r.term_to, r.ended_on), after) >= after
        GROUP BY r.kind HAVING sum(r.share) >= 1)
      AND NOT EXISTS (
        SELECT FROM parcel_right r
        WHERE r.parcel_id = parcel AND r.party_id <> owner AND r.reviewed_at IS NOT NULL
          AND r.kind = 'sink_income' AND coalesce(r.term_from, first) < after
          AND coalesce(least(r.term_to, r.ended_on), after) > first)
  END $$;

CREATE FUNCTION project_parcel_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT parcel_held_by(NEW.parcel_id, (SELECT owner_id FROM project WHERE id = NEW.project_id),
                        current_date, current_date + 1) THEN
    RAISE EXCEPTION 'parcel % is not the owner''s to credit', NEW.parcel_id
      USING ERRCODE = '23514', CONSTRAINT = 'parcel_not_held';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER project_parcel_held BEFORE INSERT ON project_parcel
  FOR EACH ROW EXECUTE FUNCTION project_parcel_held();

CREATE FUNCTION round_parcel_held() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE round monitoring_round;
BEGIN
  SELECT * INTO round FROM monitoring_round WHERE id = NEW.round_id;
  IF NOT parcel_held_by(NEW.parcel_id, (SELECT owner_id FROM project WHERE id = round.project_id),
                        round.period_start, round.period_end) THEN
    RAISE EXCEPTION 'parcel % is not the owner''s to credit', NEW.parcel_id
      USING ERRCODE = '23514', CONSTRAINT = 'parcel_not_held';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER round_parcel_held BEFORE INSERT ON round_parcel
  FOR EACH ROW EXECUTE FUNCTION round_parcel_held();

-- A parcel is credited once for a pool and a day. The year alone was too coarse: two rounds may
-- meet within one.
ALTER TABLE parcel_credit DISABLE TRIGGER append_only;
ALTER TABLE parcel_credit ADD COLUMN period daterange;
UPDATE parcel_credit c SET period = daterange(
    greatest(m.period_start, make_date(c.vintage::int, 1, 1)),
    least(m.period_end, make_date(c.vintage::int + 1, 1, 1)))
  FROM monitoring_round m WHERE m.id = c.round_id;
ALTER TABLE parcel_credit ENABLE TRIGGER append_only;
ALTER TABLE parcel_credit
  ALTER COLUMN period SET NOT NULL,
  DROP CONSTRAINT parcel_credit_pkey,
  ADD CONSTRAINT parcel_credit_pkey PRIMARY KEY (parcel_id, pool, round_id, vintage),
  ADD CONSTRAINT parcel_credit_within_vintage_check CHECK (
    NOT isempty(period) AND period <@ daterange(make_date(vintage::int, 1, 1),
                                                make_date(vintage::int + 1, 1, 1))),
  ADD CONSTRAINT no_credit_twice EXCLUDE USING gist
    (parcel_id WITH =, pool WITH =, period WITH &&);

-- Two batches with one number would print the same serials.
ALTER TABLE batch ADD CONSTRAINT batch_project_id_vintage_sequence_key
  UNIQUE (project_id, vintage, sequence);

-- One living certificate of holding for a block. It ends when any block it speaks of moves: the
-- paper then says more than its holder has.
CREATE TABLE holding_paper (
  block_id bigint NOT NULL CONSTRAINT holding_paper_pkey PRIMARY KEY,
  certificate_id bigint NOT NULL,
  CONSTRAINT holding_paper_block_id_fkey FOREIGN KEY (block_id) REFERENCES block,
  CONSTRAINT holding_paper_certificate_id_fkey FOREIGN KEY (certificate_id) REFERENCES certificate
);
CREATE INDEX holding_paper_certificate_id_idx ON holding_paper (certificate_id);
-- Of the papers printed before, the newest over each block lives.
INSERT INTO holding_paper (block_id, certificate_id)
  SELECT DISTINCT ON (o.block_id) o.block_id, c.id
  FROM certificate c JOIN certificate_block o ON o.certificate_id = c.id
  WHERE c.kind = 'holding' AND NOT EXISTS (
    SELECT FROM certificate_block p JOIN block b ON b.id = p.block_id
    WHERE p.certificate_id = c.id AND NOT (b.live AND b.state = 'held'))
  ORDER BY o.block_id, c.id DESC;
CREATE FUNCTION holding_paper_of_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Shared with other readers, and nobody moves the block before this transaction ends.
  PERFORM FROM block WHERE id = NEW.block_id AND live AND state = 'held' FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the block is not held' USING ERRCODE = '23514', CONSTRAINT = 'block_not_held';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER holding_paper_of_held BEFORE INSERT ON holding_paper
  FOR EACH ROW EXECUTE FUNCTION holding_paper_of_held();
CREATE FUNCTION holding_paper_ends() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM holding_paper WHERE certificate_id IN
    (SELECT certificate_id FROM holding_paper WHERE block_id = NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER holding_paper_ends AFTER UPDATE ON block
  FOR EACH ROW WHEN (NOT NEW.live) EXECUTE FUNCTION holding_paper_ends();
GRANT SELECT, INSERT ON holding_paper TO sinks_app;

-- Signatures of certificates. The private half of a key never comes here.
CREATE TABLE signing_key (
  id character varying NOT NULL CONSTRAINT signing_key_pkey PRIMARY KEY,
  public_key character varying NOT NULL,
  recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  revoked_at timestamp with time zone,
  revoked_by_id bigint,
  revoked_reason character varying,
  CONSTRAINT signing_key_revoked_by_id_fkey FOREIGN KEY (revoked_by_id) REFERENCES person,
  CONSTRAINT signing_key_revoked_whole_check CHECK (
    (revoked_at IS NULL) = (revoked_by_id IS NULL)
    AND (revoked_at IS NULL) = (revoked_reason IS NULL))
);
CREATE FUNCTION signing_key_only_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' OR OLD.revoked_at IS NOT NULL OR NEW.id <> OLD.id
     OR NEW.public_key <> OLD.public_key OR NEW.recorded_at <> OLD.recorded_at THEN
    RAISE EXCEPTION 'a key is only ever revoked' USING ERRCODE = '23514', CONSTRAINT = 'append_only';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER signing_key_only_revoked BEFORE UPDATE OR DELETE ON signing_key
  FOR EACH ROW EXECUTE FUNCTION signing_key_only_revoked();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON signing_key
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT, UPDATE (revoked_at, revoked_by_id, revoked_reason) ON signing_key TO sinks_app;
-- Null: printed before certificates were signed.
ALTER TABLE certificate ADD COLUMN token character varying;

-- A password that somebody else has chosen opens no session; it is good for setting one's own.
ALTER TABLE person ADD COLUMN password_one_time boolean DEFAULT false NOT NULL;

-- Objections to a notice. Anybody writes one; who objected is read by those who answer alone.
CREATE SEQUENCE objection_seq;
CREATE TABLE objection (
  id bigint NOT NULL CONSTRAINT objection_pkey PRIMARY KEY,
  project_id bigint,
  round_id bigint,
  text character varying NOT NULL,
  recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  answer character varying,
  outcome character varying,
  answered_by_id bigint,
  answered_at timestamp with time zone,
  CONSTRAINT objection_project_id_fkey FOREIGN KEY (project_id) REFERENCES project,
  CONSTRAINT objection_round_id_fkey FOREIGN KEY (round_id) REFERENCES monitoring_round,
  CONSTRAINT objection_answered_by_id_fkey FOREIGN KEY (answered_by_id) REFERENCES person,
  CONSTRAINT objection_one_notice_check CHECK ((project_id IS NULL) <> (round_id IS NULL)),
  CONSTRAINT objection_answered_whole_check CHECK ((answered_at IS NULL) = (answered_by_id IS NULL)
    AND (answered_at IS NULL) = (answer IS NULL) AND (answered_at IS NULL) = (outcome IS NULL)),
  CONSTRAINT objection_text_length_check CHECK (length(text) <= 2000)
);
CREATE INDEX objection_project_id_idx ON objection (project_id);
CREATE INDEX objection_round_id_idx ON objection (round_id);
CREATE TABLE objector (
  objection_id bigint NOT NULL CONSTRAINT objector_pkey PRIMARY KEY,
  name character varying NOT NULL,
  contact character varying NOT NULL,
  CONSTRAINT objector_objection_id_fkey FOREIGN KEY (objection_id) REFERENCES objection
);
CREATE TABLE objection_origin (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT objection_origin_pkey PRIMARY KEY,
  origin_hash character varying NOT NULL,
  recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE FUNCTION objection_only_answered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' OR OLD.answered_at IS NOT NULL OR NEW.id <> OLD.id OR NEW.text <> OLD.text
     OR NEW.project_id IS DISTINCT FROM OLD.project_id
     OR NEW.round_id IS DISTINCT FROM OLD.round_id OR NEW.recorded_at <> OLD.recorded_at THEN
    RAISE EXCEPTION 'an objection is only ever answered' USING ERRCODE = '23514',
      CONSTRAINT = 'append_only';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER objection_only_answered BEFORE UPDATE OR DELETE ON objection
  FOR EACH ROW EXECUTE FUNCTION objection_only_answered();
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['objector', 'objection_origin'] LOOP
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['objection', 'objector', 'objection_origin'] LOOP
    EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
END $$;
GRANT USAGE ON SEQUENCE objection_seq TO sinks_app;
GRANT SELECT, INSERT, UPDATE (answer, outcome, answered_by_id, answered_at) ON objection TO sinks_app;
GRANT SELECT, INSERT ON objector, objection_origin TO sinks_app;
ALTER TABLE objection ENABLE ROW LEVEL SECURITY; ALTER TABLE objection FORCE ROW LEVEL SECURITY;
CREATE POLICY anybody_writes ON objection FOR INSERT WITH CHECK (true);
CREATE POLICY read_at_work ON objection FOR SELECT USING (sinks_signed_in());
CREATE POLICY answered ON objection FOR UPDATE USING (sinks_has_role('authority', 'registrar'));
ALTER TABLE objector ENABLE ROW LEVEL SECURITY; ALTER TABLE objector FORCE ROW LEVEL SECURITY;
CREATE POLICY anybody_writes ON objector FOR INSERT WITH CHECK (true);
CREATE POLICY read_by_those_who_answer ON objector FOR SELECT
  USING (sinks_has_role('authority', 'registrar', 'auditor'));

-- Which parts of a claim a verifier has looked at.
CREATE TABLE seen_tick (
  person_id bigint NOT NULL,
  subject character varying NOT NULL,
  field character varying NOT NULL,
  recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT seen_tick_pkey PRIMARY KEY (person_id, subject, field),
  CONSTRAINT seen_tick_person_id_fkey FOREIGN KEY (person_id) REFERENCES person
);
GRANT SELECT, INSERT, DELETE ON seen_tick TO sinks_app;
