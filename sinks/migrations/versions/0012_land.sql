-- A signed contract ends, with its reason: with its term, or before it.
ALTER TABLE contract
  ADD COLUMN ended_on date,
  ADD COLUMN ended_by_id bigint CONSTRAINT contract_ended_by_id_fkey REFERENCES person,
  ADD COLUMN end_reason character varying,
  ADD CONSTRAINT contract_ended_whole_check CHECK (
    (status = 'closed') = (ended_on IS NOT NULL) AND (ended_on IS NULL) = (ended_by_id IS NULL)
    AND (ended_on IS NULL) = (end_reason IS NULL) AND ended_on <= term_to);

-- The days a contract holds a parcel, written by the database from the contract alone: none while it
-- is drafted, those of its term once it is signed, those until its end once it has ended.
ALTER TABLE contract_parcel ADD COLUMN period daterange;
CREATE FUNCTION contract_parcel_period() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT CASE WHEN c.status IN ('signed', 'closed') THEN
           daterange(c.term_from, greatest(c.term_from, least(c.term_to, c.ended_on))) END
    INTO STRICT NEW.period FROM contract c WHERE c.id = NEW.contract_id;
  RETURN NEW;
END $$;
CREATE FUNCTION contract_days_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE contract_parcel SET period = NULL WHERE contract_id = NEW.id;
  RETURN NULL;
END $$;
-- What was measured by this contract and is not issued yet keeps its days under it.
CREATE FUNCTION contract_ends_after_rounds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM contract_parcel m
             JOIN round_parcel f ON f.parcel_id = m.parcel_id
             JOIN monitoring_round r ON r.id = f.round_id
             JOIN project p ON p.id = r.project_id
             WHERE m.contract_id = NEW.id AND p.owner_id = NEW.cooperative_id
               AND p.status <> 'rejected' AND r.status <> 'issued'
               AND m.period @> daterange(r.period_start, r.period_end)
               AND r.period_end > NEW.ended_on) THEN
    RAISE EXCEPTION 'a round that is not issued goes beyond the end' USING ERRCODE = '23514',
      CONSTRAINT = 'contract_round_open';
  END IF;
  RETURN NEW;
END $$;
-- The names of counterparties stay hidden from everybody but this change itself.
ALTER TABLE contract NO FORCE ROW LEVEL SECURITY;
UPDATE contract_parcel m SET period = daterange(c.term_from, c.term_to)
  FROM contract c WHERE c.id = m.contract_id AND c.status = 'signed';
ALTER TABLE contract FORCE ROW LEVEL SECURITY;
CREATE TRIGGER contract_parcel_period BEFORE INSERT OR UPDATE ON contract_parcel
  FOR EACH ROW EXECUTE FUNCTION contract_parcel_period();
CREATE TRIGGER contract_ends_after_rounds BEFORE UPDATE OF ended_on ON contract
  FOR EACH ROW WHEN (NEW.ended_on IS NOT NULL) EXECUTE FUNCTION contract_ends_after_rounds();
CREATE TRIGGER contract_days_change AFTER UPDATE OF status, term_from, term_to, ended_on ON contract
  FOR EACH ROW EXECUTE FUNCTION contract_days_change();
-- No two contracts over one parcel for one day, whoever signs them and whenever.
ALTER TABLE contract_parcel ADD CONSTRAINT contract_parcel_days
  EXCLUDE USING gist (parcel_id WITH =, period WITH &&);

-- As in 0006, by the days of the contract: what grew while it stood is its cooperative's also when it
-- has ended since, and days after its end are not.
CREATE OR REPLACE FUNCTION parcel_held_by(parcel bigint, owner bigint, first date, after date)
RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN EXISTS (SELECT FROM contract_parcel m WHERE m.parcel_id = parcel
                 AND (m.standing OR m.period && daterange(first, after))) THEN
      EXISTS (
        SELECT FROM contract_parcel m JOIN contract c ON c.id = m.contract_id
        WHERE m.parcel_id = parcel AND c.cooperative_id = owner
          AND m.period @> daterange(first, after))
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
