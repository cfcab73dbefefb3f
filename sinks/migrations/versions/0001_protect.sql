-- What the database refuses by itself, whoever writes and from wherever.

CREATE SEQUENCE parcel_code_seq;
CREATE SEQUENCE certificate_seq;

-- Who acts, as `sinks.core.db.act_as` has said; nobody when it has not.
CREATE FUNCTION sinks_signed_in() RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT coalesce(current_setting('sinks.person', true), '') <> '' $$;
CREATE FUNCTION sinks_party() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('sinks.party', true), '')::bigint $$;
CREATE FUNCTION sinks_has_role(VARIADIC wanted text[]) RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT string_to_array(coalesce(current_setting('sinks.roles', true), ''), ',') && wanted $$;

-- Append-only tables: no update, no delete, no truncate, not even by the owner of the tables.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514',
         CONSTRAINT = 'append_only'; END $$;
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['audit_event', 'audit_seal', 'transfer', 'batch', 'parcel_credit',
    'certificate', 'certificate_block', 'run', 'run_parcel', 'round_parcel', 'round_plot', 'plot',
    'plot_visit', 'culm', 'layer', 'document', 'case_site', 'loss_assessment', 'case_lock',
    'land_import', 'login_failure'] LOOP
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
    EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
  END LOOP;
END $$;

-- Audit: the hash of a row is made here, over its content, by one writer of JSON.
CREATE FUNCTION audit_leaf(e audit_event) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT encode(sha256(convert_to(jsonb_build_object(
    'id', e.id, 'at', extract(epoch FROM e.at), 'person', e.person_id, 'action', e.action,
    'subject', e.subject, 'detail', e.detail)::text, 'UTF8')), 'hex') $$;
CREATE FUNCTION audit_fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.at := clock_timestamp();
  NEW.xid := pg_current_xact_id()::text;
  NEW.leaf_hash := audit_leaf(NEW);
  RETURN NEW;
END $$;
CREATE TRIGGER audit_fill BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_fill();

-- Ledger: a transfer posts both balances itself, with both accounts locked in the order of their
-- ids, so that no two transfers spend the same kilograms and no two wait for each other.
CREATE FUNCTION transfer_post() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM 1 FROM account WHERE id IN (NEW.debit_id, NEW.credit_id) ORDER BY id FOR UPDATE;
  IF (SELECT kind FROM account WHERE id = NEW.debit_id) = 'retired' THEN
    RAISE EXCEPTION 'retired is final' USING ERRCODE = '23514', CONSTRAINT = 'retired_is_final';
  END IF;
  UPDATE account SET balance_kg = balance_kg - NEW.amount_kg WHERE id = NEW.debit_id;
  UPDATE account SET balance_kg = balance_kg + NEW.amount_kg WHERE id = NEW.credit_id;
  NEW.recorded_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER transfer_post BEFORE INSERT ON transfer FOR EACH ROW EXECUTE FUNCTION transfer_post();
CREATE FUNCTION account_opens_empty() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NEW.balance_kg := 0; RETURN NEW; END $$;
CREATE TRIGGER account_opens_empty BEFORE INSERT ON account
  FOR EACH ROW EXECUTE FUNCTION account_opens_empty();

-- Blocks: history is kept; a block is only ever closed, and a retired one never.
CREATE FUNCTION block_only_closes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR NOT OLD.live OR NEW.live
     OR to_jsonb(NEW) - 'live' <> to_jsonb(OLD) - 'live' THEN
    RAISE EXCEPTION 'a block is only ever closed' USING ERRCODE = '23514', CONSTRAINT = 'append_only';
  END IF;
  IF OLD.state = 'retired' THEN
    RAISE EXCEPTION 'retired is final' USING ERRCODE = '23514', CONSTRAINT = 'retired_is_final';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER block_only_closes BEFORE UPDATE OR DELETE ON block
  FOR EACH ROW EXECUTE FUNCTION block_only_closes();

-- Every live block of a batch lies within it; with no_serial_twice that leaves no serial invented.
CREATE FUNCTION block_in_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT NEW.units <@ int8range(1, (SELECT units + 1 FROM batch WHERE id = NEW.batch_id)) THEN
    RAISE EXCEPTION 'block outside its batch' USING ERRCODE = '23514', CONSTRAINT = 'block_in_batch';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER block_in_batch BEFORE INSERT ON block FOR EACH ROW EXECUTE FUNCTION block_in_batch();

-- Versions of outlines: the outline never changes, only the end of its time.
CREATE FUNCTION version_only_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.valid_to IS NOT NULL OR NEW.id <> OLD.id
     OR NEW.parcel_id <> OLD.parcel_id OR NEW.geometry_sha256 <> OLD.geometry_sha256
     OR NEW.area_m2 <> OLD.area_m2 OR NEW.valid_from <> OLD.valid_from
     OR NOT ST_OrderingEquals(NEW.boundary, OLD.boundary) THEN
    RAISE EXCEPTION 'an outline is never changed' USING ERRCODE = '23514', CONSTRAINT = 'append_only';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER version_only_ends BEFORE UPDATE OR DELETE ON parcel_version
  FOR EACH ROW EXECUTE FUNCTION version_only_ends();

-- No land twice. Eroding each claim by half the tolerance (0.5 m) turns "overlap wider than 1 m"
-- into plain overlap, so neighbours that touch never conflict; PostgreSQL's own polygon && polygon
-- is an exact test with a GiST class, and an exclusion constraint waits for uncommitted rivals.
CREATE TABLE land_claim_piece (
  parcel_id bigint NOT NULL REFERENCES land_claim,
  piece polygon NOT NULL,
  period daterange NOT NULL,
  CONSTRAINT no_double_land EXCLUDE USING gist
    (piece WITH &&, parcel_id WITH <>, period WITH &&) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE INDEX land_claim_piece_parcel_id_idx ON land_claim_piece (parcel_id);

-- A native polygon has no holes, and few vertices keep the pairwise test small.
CREATE FUNCTION claim_pieces(outline_m geometry) RETURNS SETOF polygon LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE part geometry; small geometry;
BEGIN
  FOR part IN SELECT (ST_Dump(ST_Buffer(outline_m, -0.5, 'join=mitre mitre_limit=2'))).geom LOOP
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

CREATE FUNCTION land_claim_pieces() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE version parcel_version;
BEGIN
  SELECT * INTO version FROM parcel_version WHERE id = NEW.version_id AND parcel_id = NEW.parcel_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'claim on another parcel''s outline' USING ERRCODE = '23503';
  END IF;
  IF version.area_m2 < 10000 / 15.0 THEN
    RAISE EXCEPTION 'less than one mu' USING ERRCODE = '23514', CONSTRAINT = 'land_claim_too_small';
  END IF;
  -- Closes the evasion of two hundred strips that all vanish under erosion.
  IF ST_Area(ST_Buffer(version.boundary_m, -0.5, 'join=mitre mitre_limit=2'))
     < 0.5 * ST_Area(version.boundary_m) THEN
    RAISE EXCEPTION 'too thin' USING ERRCODE = '23514', CONSTRAINT = 'land_claim_too_thin';
  END IF;
  -- Closes its sister: a broad parcel with a comb of strips laid over a neighbour. What is narrower
  -- than a metre is gone after erosion and does not come back with the dilation.
  IF ST_Area(ST_Buffer(ST_Buffer(version.boundary_m, -0.5, 'join=mitre mitre_limit=2'), 0.5,
                       'join=mitre mitre_limit=2')) < 0.95 * ST_Area(version.boundary_m) THEN
    RAISE EXCEPTION 'too thin' USING ERRCODE = '23514', CONSTRAINT = 'land_claim_too_thin';
  END IF;
  DELETE FROM land_claim_piece WHERE parcel_id = NEW.parcel_id;
  IF NEW.ends_on IS NULL OR NEW.ends_on > NEW.starts_on THEN
    INSERT INTO land_claim_piece
      SELECT NEW.parcel_id, piece, daterange(NEW.starts_on, NEW.ends_on)
      FROM claim_pieces(version.boundary_m) AS piece;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER land_claim_pieces AFTER INSERT OR UPDATE ON land_claim
  FOR EACH ROW EXECUTE FUNCTION land_claim_pieces();

-- A verifier of the owner's own house, or one who measured, does not verify.
CREATE FUNCTION verifier_is_independent() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE verifier bigint; owner bigint;
BEGIN
  IF NEW.verified_by_id IS NULL THEN RETURN NEW; END IF;
  SELECT party_id INTO verifier FROM person WHERE id = NEW.verified_by_id;
  SELECT owner_id INTO owner FROM project WHERE id = NEW.project_id;
  IF verifier = owner
     OR EXISTS (SELECT FROM party a, party b WHERE a.id = verifier AND b.id = owner
                AND (a.controlled_by_id IN (b.id, b.controlled_by_id) OR b.controlled_by_id = a.id))
     OR EXISTS (SELECT FROM run WHERE id = NEW.run_id AND person_id = NEW.verified_by_id) THEN
    RAISE EXCEPTION 'verifier is not independent' USING ERRCODE = '23514',
      CONSTRAINT = 'verifier_not_independent';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER verifier_is_independent BEFORE INSERT OR UPDATE ON monitoring_round
  FOR EACH ROW EXECUTE FUNCTION verifier_is_independent();

-- Once a person stands behind a step, the claim behind it does not change.
CREATE FUNCTION round_keeps_people() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.verified_by_id IS NOT NULL AND (NEW.verified_by_id IS DISTINCT FROM OLD.verified_by_id
        OR NEW.run_id IS DISTINCT FROM OLD.run_id))
     OR (OLD.recorded_by_id IS NOT NULL AND NEW.recorded_by_id IS DISTINCT FROM OLD.recorded_by_id)
     OR (OLD.issued_by_id IS NOT NULL AND to_jsonb(NEW) <> to_jsonb(OLD)) THEN
    RAISE EXCEPTION 'a decided step is not changed' USING ERRCODE = '23514',
      CONSTRAINT = 'append_only';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER round_keeps_people BEFORE UPDATE ON monitoring_round
  FOR EACH ROW EXECUTE FUNCTION round_keeps_people();

-- What the program's role may do. It owns nothing.
GRANT USAGE ON SCHEMA public TO sinks_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO sinks_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO sinks_app;
REVOKE INSERT ON land_claim_piece FROM sinks_app;
REVOKE INSERT ON alembic_version FROM sinks_app;
GRANT UPDATE ON party, person, role_grant, login_session, policy, holiday, parcel, parcel_mark,
  parcel_right, land_claim, project, monitoring_round, finding, contract, contract_parcel,
  court_case TO sinks_app;
GRANT UPDATE (valid_to) ON parcel_version TO sinks_app;
GRANT UPDATE (live) ON block TO sinks_app;
GRANT UPDATE (restoration_done) ON court_order TO sinks_app;
GRANT DELETE ON parcel_right TO sinks_app;

-- Names of households and of defendants: forced on everybody, the owner of the tables included.
ALTER TABLE party ENABLE ROW LEVEL SECURITY; ALTER TABLE party FORCE ROW LEVEL SECURITY;
CREATE FUNCTION sinks_works_with_holders() RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT sinks_has_role('officer', 'cooperative', 'developer', 'verifier', 'authority',
                         'registrar', 'auditor', 'admin') $$;
CREATE POLICY seen ON party USING (kind <> 'household' OR sinks_works_with_holders());
ALTER TABLE parcel_right ENABLE ROW LEVEL SECURITY; ALTER TABLE parcel_right FORCE ROW LEVEL SECURITY;
CREATE POLICY works_with_holders ON parcel_right USING (sinks_works_with_holders());
ALTER TABLE contract ENABLE ROW LEVEL SECURITY; ALTER TABLE contract FORCE ROW LEVEL SECURITY;
CREATE POLICY takes_part ON contract USING (
  sinks_has_role('officer', 'verifier', 'authority', 'registrar', 'auditor')
  OR sinks_party() IN (cooperative_id, counterparty_id));
ALTER TABLE court_case ENABLE ROW LEVEL SECURITY; ALTER TABLE court_case FORCE ROW LEVEL SECURITY;
CREATE POLICY takes_part ON court_case USING (
  sinks_has_role('registrar', 'auditor') OR sinks_party() IN (court_id, appraiser_id, seller_id, prosecutor_id));
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['case_site', 'loss_assessment', 'court_order', 'case_lock'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY of_case ON %I USING
                    (EXISTS (SELECT FROM court_case c WHERE c.id = case_id))', name);
  END LOOP;
END $$;
ALTER TABLE document ENABLE ROW LEVEL SECURITY; ALTER TABLE document FORCE ROW LEVEL SECURITY;
CREATE POLICY of_case ON document USING (
  subject NOT LIKE 'case:%' OR EXISTS (SELECT FROM court_case c WHERE 'case:' || c.id = subject));
