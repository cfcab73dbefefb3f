-- The tables of the first revision, as `sinks.tables` declared them on 2026-11-22.

CREATE TABLE account (
    id bigint NOT NULL,
    kind character varying NOT NULL,
    party_id bigint,
    contract_id bigint,
    project_id bigint,
    balance_kg bigint DEFAULT '0'::bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT account_no_overdraft_check CHECK ((((kind)::text = 'issuance'::text) OR (balance_kg >= 0)))
);

ALTER TABLE account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE audit_event (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    person_id bigint,
    action character varying NOT NULL,
    subject character varying NOT NULL,
    detail jsonb NOT NULL,
    xid character varying DEFAULT (pg_current_xact_id())::text NOT NULL,
    leaf_hash character varying DEFAULT ''::character varying NOT NULL
);

ALTER TABLE audit_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE audit_seal (
    seq bigint NOT NULL,
    event_id bigint NOT NULL,
    chain_hash character varying NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE batch (
    id bigint NOT NULL,
    project_id bigint NOT NULL,
    round_id bigint NOT NULL,
    vintage bigint NOT NULL,
    sequence bigint NOT NULL,
    unit_kg bigint NOT NULL,
    units bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT batch_amounts_check CHECK (((unit_kg > 0) AND (units >= 0)))
);

ALTER TABLE batch ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME batch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE block (
    id bigint NOT NULL,
    batch_id bigint NOT NULL,
    units int8range NOT NULL,
    account_id bigint NOT NULL,
    origin_id bigint NOT NULL,
    state character varying NOT NULL,
    case_id bigint,
    transfer_id uuid,
    parent_id bigint,
    live boolean DEFAULT true NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT block_not_empty_check CHECK ((NOT isempty(units)))
);

ALTER TABLE block ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME block_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE case_lock (
    case_id bigint NOT NULL,
    account_id bigint NOT NULL,
    units bigint NOT NULL,
    unit_kg bigint NOT NULL,
    person_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE case_site (
    id bigint NOT NULL,
    case_id bigint NOT NULL,
    boundary geometry(MultiPolygon,4490) NOT NULL,
    area_m2 double precision NOT NULL,
    person_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE case_site ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME case_site_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE certificate (
    id bigint NOT NULL,
    number character varying NOT NULL,
    kind character varying NOT NULL,
    public jsonb NOT NULL,
    document_id bigint NOT NULL,
    pdf_sha256 character varying NOT NULL,
    case_id bigint,
    person_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE certificate_block (
    certificate_id bigint NOT NULL,
    block_id bigint NOT NULL
);

ALTER TABLE certificate ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME certificate_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE contract (
    id bigint NOT NULL,
    number character varying NOT NULL,
    cooperative_id bigint NOT NULL,
    counterparty_id bigint NOT NULL,
    term_from date NOT NULL,
    term_to date NOT NULL,
    fee_fen_mu_year bigint NOT NULL,
    net_share numeric(5,4) NOT NULL,
    estimate_kg bigint NOT NULL,
    exit_clause character varying NOT NULL,
    status character varying DEFAULT 'drafted'::character varying NOT NULL,
    drafted_by_id bigint NOT NULL,
    signed_by_id bigint,
    signed_on date,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT contract_amounts_check CHECK (((estimate_kg >= 0) AND (fee_fen_mu_year >= 0))),
    CONSTRAINT contract_net_share_check CHECK (((net_share > (0)::numeric) AND (net_share <= (1)::numeric))),
    CONSTRAINT contract_term_check CHECK ((term_to > term_from)),
    CONSTRAINT contract_two_clerks_check CHECK ((signed_by_id <> drafted_by_id))
);

ALTER TABLE contract ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME contract_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE contract_parcel (
    contract_id bigint NOT NULL,
    parcel_id bigint NOT NULL,
    standing boolean NOT NULL
);

CREATE TABLE court_case (
    id bigint NOT NULL,
    case_no character varying NOT NULL,
    court_id bigint NOT NULL,
    appraiser_id bigint,
    seller_id bigint,
    prosecutor_id bigint,
    defendant character varying NOT NULL,
    cause character varying NOT NULL,
    damage character varying NOT NULL,
    status character varying DEFAULT 'opened'::character varying NOT NULL,
    opened_by_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT court_case_damage_check CHECK (((damage)::text = ANY ((ARRAY['forest'::character varying, 'wetland'::character varying, 'other'::character varying])::text[])))
);

ALTER TABLE court_case ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME court_case_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE court_order (
    id bigint NOT NULL,
    case_id bigint NOT NULL,
    decision_kind character varying NOT NULL,
    decided_on date NOT NULL,
    effective_on date NOT NULL,
    legal_basis character varying NOT NULL,
    quantity_kg bigint NOT NULL,
    price_fen_t bigint,
    restoration_duty character varying NOT NULL,
    restoration_done boolean NOT NULL,
    kind_exception character varying,
    recorded_by_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT court_order_quantity_check CHECK ((quantity_kg > 0))
);

ALTER TABLE court_order ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME court_order_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE culm (
    id bigint NOT NULL,
    visit_id bigint NOT NULL,
    dbh_cm numeric(4,1) NOT NULL,
    age_du bigint,
    age_years bigint,
    count bigint NOT NULL,
    CONSTRAINT culm_count_check CHECK ((count > 0)),
    CONSTRAINT culm_dbh_check CHECK (((dbh_cm >= 2.0) AND (dbh_cm < (30)::numeric))),
    CONSTRAINT culm_one_age_check CHECK (((age_du IS NULL) <> (age_years IS NULL)))
);

ALTER TABLE culm ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME culm_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE document (
    id bigint NOT NULL,
    kind character varying NOT NULL,
    name character varying NOT NULL,
    sha256 character varying NOT NULL,
    size_bytes bigint NOT NULL,
    subject character varying NOT NULL,
    person_id bigint,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE document ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME document_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE finding (
    id bigint NOT NULL,
    round_id bigint NOT NULL,
    field character varying NOT NULL,
    text character varying NOT NULL,
    raised_by_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    answer character varying,
    answered_by_id bigint,
    closed_at timestamp with time zone
);

ALTER TABLE finding ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME finding_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE holiday (
    day date NOT NULL,
    kind character varying NOT NULL,
    note character varying NOT NULL
);

CREATE TABLE land_claim (
    parcel_id bigint NOT NULL,
    version_id bigint NOT NULL,
    starts_on date NOT NULL,
    ends_on date,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE land_import (
    id bigint NOT NULL,
    file_name character varying NOT NULL,
    sha256 character varying NOT NULL,
    sink_type character varying NOT NULL,
    rows bigint NOT NULL,
    accepted bigint NOT NULL,
    questioned bigint NOT NULL,
    refused jsonb NOT NULL,
    person_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE land_import ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME land_import_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE layer (
    id bigint NOT NULL,
    name character varying NOT NULL,
    variable character varying NOT NULL,
    kind character varying NOT NULL,
    unit character varying NOT NULL,
    epoch date NOT NULL,
    phase character varying NOT NULL,
    crs character varying NOT NULL,
    crs_given boolean NOT NULL,
    resolution character varying NOT NULL,
    nodata character varying,
    sha256 character varying NOT NULL,
    licence character varying NOT NULL,
    source character varying NOT NULL,
    demonstration boolean DEFAULT false NOT NULL,
    stderr_layer_id bigint,
    person_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT layer_kind_check CHECK (((kind)::text = ANY ((ARRAY['value'::character varying, 'stderr'::character varying])::text[]))),
    CONSTRAINT layer_phase_check CHECK (((phase)::text = ANY ((ARRAY['on'::character varying, 'off'::character varying, 'mixed'::character varying, 'unknown'::character varying])::text[])))
);

ALTER TABLE layer ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME layer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE login_failure (
    id bigint NOT NULL,
    login character varying NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE login_failure ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME login_failure_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE login_session (
    token_hash character varying NOT NULL,
    person_id bigint NOT NULL,
    kind character varying NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone
);

CREATE TABLE loss_assessment (
    id bigint NOT NULL,
    case_id bigint NOT NULL,
    site_id bigint NOT NULL,
    input_json text NOT NULL,
    result_json text NOT NULL,
    basis character varying NOT NULL,
    layer_sha256 character varying,
    signed_by_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE loss_assessment ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME loss_assessment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE monitoring_round (
    id bigint NOT NULL,
    project_id bigint NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    layer_start_id bigint NOT NULL,
    layer_end_id bigint NOT NULL,
    status character varying DEFAULT 'open'::character varying NOT NULL,
    opened_by_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    run_id bigint,
    proposed_by_id bigint,
    published_at timestamp with time zone,
    notice_ends_on date,
    verified_by_id bigint,
    verification_statement character varying,
    recorded_by_id bigint,
    filing_no character varying,
    issued_by_id bigint,
    issued_at timestamp with time zone,
    CONSTRAINT monitoring_round_four_people_check CHECK (((verified_by_id <> proposed_by_id) AND ((recorded_by_id <> proposed_by_id) AND (recorded_by_id <> verified_by_id)) AND (((issued_by_id <> proposed_by_id) AND (issued_by_id <> verified_by_id)) AND (issued_by_id <> recorded_by_id)))),
    CONSTRAINT monitoring_round_period_check CHECK ((period_end > period_start)),
    CONSTRAINT monitoring_round_steps_have_people_check CHECK (((((status)::text <> ALL ((ARRAY['verified'::character varying, 'recorded'::character varying, 'issued'::character varying])::text[])) OR (verified_by_id IS NOT NULL)) AND (((status)::text <> ALL ((ARRAY['recorded'::character varying, 'issued'::character varying])::text[])) OR (recorded_by_id IS NOT NULL)) AND (((status)::text <> 'issued'::text) OR (issued_by_id IS NOT NULL))))
);

ALTER TABLE monitoring_round ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME monitoring_round_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE parcel (
    id bigint NOT NULL,
    code character varying NOT NULL,
    sink_type character varying NOT NULL,
    status character varying DEFAULT 'draft'::character varying NOT NULL,
    name character varying NOT NULL,
    township character varying NOT NULL,
    district_code character varying NOT NULL,
    demonstration boolean DEFAULT false NOT NULL,
    created_by_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT parcel_sink_type_check CHECK (((sink_type)::text = ANY ((ARRAY['bamboo'::character varying, 'wetland'::character varying, 'farmland'::character varying, 'tea'::character varying, 'other'::character varying])::text[]))),
    CONSTRAINT parcel_status_check CHECK (((status)::text = ANY ((ARRAY['draft'::character varying, 'submitted'::character varying, 'rights_reviewed'::character varying, 'enrolled'::character varying, 'under_contract'::character varying, 'suspended'::character varying, 'withdrawn'::character varying])::text[])))
);

CREATE TABLE parcel_credit (
    parcel_id bigint NOT NULL,
    pool character varying NOT NULL,
    vintage bigint NOT NULL,
    programme character varying NOT NULL,
    round_id bigint NOT NULL,
    contract_id bigint,
    amount_kg bigint NOT NULL
);

ALTER TABLE parcel ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME parcel_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE parcel_mark (
    id bigint NOT NULL,
    parcel_id bigint NOT NULL,
    code character varying NOT NULL,
    other_parcel_id bigint,
    area_m2 double precision,
    message character varying NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    closed_at timestamp with time zone,
    closed_by_id bigint,
    closed_reason character varying
);

ALTER TABLE parcel_mark ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME parcel_mark_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE parcel_right (
    id bigint NOT NULL,
    parcel_id bigint NOT NULL,
    party_id bigint NOT NULL,
    kind character varying NOT NULL,
    share numeric(9,8) NOT NULL,
    certificate_kind character varying NOT NULL,
    certificate_no character varying NOT NULL,
    term_from date,
    term_to date,
    added_by_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    reviewed_by_id bigint,
    reviewed_at timestamp with time zone,
    CONSTRAINT parcel_right_second_officer_check CHECK ((reviewed_by_id <> added_by_id)),
    CONSTRAINT parcel_right_share_check CHECK (((share > (0)::numeric) AND (share <= (1)::numeric))),
    CONSTRAINT parcel_right_term_check CHECK (((term_to IS NULL) OR (term_to > term_from)))
);

ALTER TABLE parcel_right ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME parcel_right_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE parcel_version (
    id bigint NOT NULL,
    parcel_id bigint NOT NULL,
    boundary geometry(MultiPolygon,4490) NOT NULL,
    boundary_m geometry(MultiPolygon,4549) GENERATED ALWAYS AS (st_transform(boundary, 4549)) STORED NOT NULL,
    area_m2 double precision NOT NULL,
    declared_area_m2 double precision,
    geometry_sha256 character varying NOT NULL,
    source_name character varying NOT NULL,
    source_sha256 character varying,
    source_row bigint,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    created_by_id bigint NOT NULL,
    CONSTRAINT parcel_version_area_positive_check CHECK ((area_m2 > (0)::double precision)),
    CONSTRAINT parcel_version_boundary_valid_check CHECK (st_isvalid(boundary))
);

ALTER TABLE parcel_version ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME parcel_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE party (
    id bigint NOT NULL,
    kind character varying NOT NULL,
    name character varying NOT NULL,
    district_code character varying,
    controlled_by_id bigint,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT party_name_length_check CHECK (((length((name)::text) >= 1) AND (length((name)::text) <= 200)))
);

ALTER TABLE party ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME party_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE person (
    id bigint NOT NULL,
    login character varying NOT NULL,
    name character varying NOT NULL,
    party_id bigint NOT NULL,
    password_hash character varying NOT NULL,
    identity_hash character varying,
    active boolean DEFAULT true NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE person ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME person_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE plot (
    id bigint NOT NULL,
    project_id bigint NOT NULL,
    stratum character varying NOT NULL,
    code character varying NOT NULL,
    "position" geometry(Point,4490) NOT NULL,
    area_m2 double precision NOT NULL,
    slope_deg double precision NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT plot_area_check CHECK (((area_m2 >= (25)::double precision) AND (area_m2 <= (10000)::double precision))),
    CONSTRAINT plot_slope_check CHECK (((slope_deg >= (0)::double precision) AND (slope_deg < (60)::double precision)))
);

ALTER TABLE plot ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME plot_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE plot_visit (
    id bigint NOT NULL,
    plot_id bigint NOT NULL,
    measured_on date NOT NULL,
    phase character varying NOT NULL,
    person_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE plot_visit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME plot_visit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE policy (
    id bigint NOT NULL,
    key character varying NOT NULL,
    value jsonb NOT NULL,
    legal_basis character varying NOT NULL,
    demonstration boolean NOT NULL,
    proposed_by_id bigint,
    approved_by_id bigint,
    valid_from date,
    valid_to date,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT policy_dated_when_approved_check CHECK (((approved_by_id IS NULL) = (valid_from IS NULL))),
    CONSTRAINT policy_two_people_check CHECK ((approved_by_id <> proposed_by_id))
);

ALTER TABLE policy ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME policy_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE project (
    id bigint NOT NULL,
    name character varying NOT NULL,
    sink_type character varying NOT NULL,
    district_code character varying NOT NULL,
    sequence bigint NOT NULL,
    method_id character varying NOT NULL,
    owner_id bigint NOT NULL,
    status character varying DEFAULT 'draft'::character varying NOT NULL,
    demonstration boolean DEFAULT false NOT NULL,
    baseline_basis character varying NOT NULL,
    baseline_co2_t_ha_year double precision NOT NULL,
    baseline_u90 double precision NOT NULL,
    proposed_by_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    published_at timestamp with time zone,
    notice_ends_on date,
    validated_by_id bigint,
    validation_statement character varying,
    registered_by_id bigint,
    filing_no character varying,
    CONSTRAINT project_registered_by_another_check CHECK ((registered_by_id <> validated_by_id)),
    CONSTRAINT project_registered_not_by_proposer_check CHECK ((registered_by_id <> proposed_by_id)),
    CONSTRAINT project_validated_by_another_check CHECK ((validated_by_id <> proposed_by_id))
);

ALTER TABLE project ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME project_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE project_parcel (
    project_id bigint NOT NULL,
    parcel_id bigint NOT NULL,
    stratum character varying NOT NULL
);

CREATE TABLE role_grant (
    id bigint NOT NULL,
    person_id bigint NOT NULL,
    role character varying NOT NULL,
    granted_by_id bigint,
    approved_by_id bigint,
    in_force boolean NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT role_grant_not_to_oneself_check CHECK (((approved_by_id <> person_id) AND (granted_by_id <> person_id))),
    CONSTRAINT role_grant_two_administrators_check CHECK ((approved_by_id <> granted_by_id))
);

ALTER TABLE role_grant ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME role_grant_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE round_parcel (
    round_id bigint NOT NULL,
    parcel_id bigint NOT NULL,
    version_id bigint NOT NULL,
    stratum character varying NOT NULL
);

CREATE TABLE round_plot (
    round_id bigint NOT NULL,
    plot_id bigint NOT NULL,
    visit_start_id bigint NOT NULL,
    visit_end_id bigint NOT NULL
);

CREATE TABLE run (
    id bigint NOT NULL,
    round_id bigint NOT NULL,
    method_id character varying NOT NULL,
    factor_hash character varying NOT NULL,
    layer_sha256 jsonb NOT NULL,
    code_version character varying NOT NULL,
    input_json text NOT NULL,
    result_json text NOT NULL,
    policies_in_force boolean NOT NULL,
    person_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE run ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE run_parcel (
    run_id bigint NOT NULL,
    parcel_id bigint NOT NULL,
    stratum character varying NOT NULL,
    area_ha double precision NOT NULL,
    map_agb_t_ha_start double precision NOT NULL,
    map_agb_t_ha_end double precision NOT NULL,
    valid_share double precision NOT NULL,
    co2_t double precision NOT NULL,
    issuable_kg bigint NOT NULL
);

CREATE TABLE transfer (
    id uuid NOT NULL,
    debit_id bigint NOT NULL,
    credit_id bigint NOT NULL,
    amount_kg bigint NOT NULL,
    reason character varying NOT NULL,
    person_id bigint,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT transfer_amount_positive_check CHECK ((amount_kg > 0)),
    CONSTRAINT transfer_two_accounts_check CHECK ((debit_id <> credit_id))
);

ALTER TABLE ONLY account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);

ALTER TABLE ONLY audit_event
    ADD CONSTRAINT audit_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY audit_seal
    ADD CONSTRAINT audit_seal_event_id_key UNIQUE (event_id);

ALTER TABLE ONLY audit_seal
    ADD CONSTRAINT audit_seal_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (id);

ALTER TABLE ONLY block
    ADD CONSTRAINT block_pkey PRIMARY KEY (id);

ALTER TABLE ONLY case_lock
    ADD CONSTRAINT case_lock_pkey PRIMARY KEY (case_id);

ALTER TABLE ONLY case_site
    ADD CONSTRAINT case_site_pkey PRIMARY KEY (id);

ALTER TABLE ONLY certificate_block
    ADD CONSTRAINT certificate_block_pkey PRIMARY KEY (certificate_id, block_id);

ALTER TABLE ONLY certificate
    ADD CONSTRAINT certificate_number_key UNIQUE (number);

ALTER TABLE ONLY certificate
    ADD CONSTRAINT certificate_pdf_sha256_key UNIQUE (pdf_sha256);

ALTER TABLE ONLY certificate
    ADD CONSTRAINT certificate_pkey PRIMARY KEY (id);

ALTER TABLE ONLY contract
    ADD CONSTRAINT contract_number_key UNIQUE (number);

ALTER TABLE ONLY contract_parcel
    ADD CONSTRAINT contract_parcel_pkey PRIMARY KEY (contract_id, parcel_id);

ALTER TABLE ONLY contract
    ADD CONSTRAINT contract_pkey PRIMARY KEY (id);

ALTER TABLE ONLY court_case
    ADD CONSTRAINT court_case_case_no_court_id_key UNIQUE (case_no, court_id);

ALTER TABLE ONLY court_case
    ADD CONSTRAINT court_case_pkey PRIMARY KEY (id);

ALTER TABLE ONLY court_order
    ADD CONSTRAINT court_order_case_id_key UNIQUE (case_id);

ALTER TABLE ONLY court_order
    ADD CONSTRAINT court_order_pkey PRIMARY KEY (id);

ALTER TABLE ONLY culm
    ADD CONSTRAINT culm_pkey PRIMARY KEY (id);

ALTER TABLE ONLY document
    ADD CONSTRAINT document_pkey PRIMARY KEY (id);

ALTER TABLE ONLY finding
    ADD CONSTRAINT finding_pkey PRIMARY KEY (id);

ALTER TABLE ONLY holiday
    ADD CONSTRAINT holiday_pkey PRIMARY KEY (day);

ALTER TABLE ONLY land_claim
    ADD CONSTRAINT land_claim_pkey PRIMARY KEY (parcel_id);

ALTER TABLE ONLY land_import
    ADD CONSTRAINT land_import_pkey PRIMARY KEY (id);

ALTER TABLE ONLY land_import
    ADD CONSTRAINT land_import_sha256_key UNIQUE (sha256);

ALTER TABLE ONLY layer
    ADD CONSTRAINT layer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY layer
    ADD CONSTRAINT layer_sha256_key UNIQUE (sha256);

ALTER TABLE ONLY login_failure
    ADD CONSTRAINT login_failure_pkey PRIMARY KEY (id);

ALTER TABLE ONLY login_session
    ADD CONSTRAINT login_session_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY loss_assessment
    ADD CONSTRAINT loss_assessment_pkey PRIMARY KEY (id);

ALTER TABLE ONLY monitoring_round
    ADD CONSTRAINT monitoring_round_filing_no_key UNIQUE (filing_no);

ALTER TABLE ONLY monitoring_round
    ADD CONSTRAINT monitoring_round_pkey PRIMARY KEY (id);

ALTER TABLE ONLY block
    ADD CONSTRAINT no_serial_twice EXCLUDE USING gist (batch_id WITH =, units WITH &&) WHERE (live);

ALTER TABLE ONLY parcel
    ADD CONSTRAINT parcel_code_key UNIQUE (code);

ALTER TABLE ONLY parcel_credit
    ADD CONSTRAINT parcel_credit_pkey PRIMARY KEY (parcel_id, pool, vintage);

ALTER TABLE ONLY parcel_mark
    ADD CONSTRAINT parcel_mark_pkey PRIMARY KEY (id);

ALTER TABLE ONLY parcel
    ADD CONSTRAINT parcel_pkey PRIMARY KEY (id);

ALTER TABLE ONLY parcel_right
    ADD CONSTRAINT parcel_right_pkey PRIMARY KEY (id);

ALTER TABLE ONLY parcel_version
    ADD CONSTRAINT parcel_version_pkey PRIMARY KEY (id);

ALTER TABLE ONLY party
    ADD CONSTRAINT party_pkey PRIMARY KEY (id);

ALTER TABLE ONLY person
    ADD CONSTRAINT person_identity_hash_key UNIQUE (identity_hash);

ALTER TABLE ONLY person
    ADD CONSTRAINT person_login_key UNIQUE (login);

ALTER TABLE ONLY person
    ADD CONSTRAINT person_pkey PRIMARY KEY (id);

ALTER TABLE ONLY plot
    ADD CONSTRAINT plot_pkey PRIMARY KEY (id);

ALTER TABLE ONLY plot
    ADD CONSTRAINT plot_project_id_code_key UNIQUE (project_id, code);

ALTER TABLE ONLY plot_visit
    ADD CONSTRAINT plot_visit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY policy
    ADD CONSTRAINT policy_pkey PRIMARY KEY (id);

ALTER TABLE ONLY project
    ADD CONSTRAINT project_district_code_sink_type_sequence_key UNIQUE (district_code, sink_type, sequence);

ALTER TABLE ONLY project
    ADD CONSTRAINT project_filing_no_key UNIQUE (filing_no);

ALTER TABLE ONLY project_parcel
    ADD CONSTRAINT project_parcel_pkey PRIMARY KEY (project_id, parcel_id);

ALTER TABLE ONLY project
    ADD CONSTRAINT project_pkey PRIMARY KEY (id);

ALTER TABLE ONLY role_grant
    ADD CONSTRAINT role_grant_pkey PRIMARY KEY (id);

ALTER TABLE ONLY round_parcel
    ADD CONSTRAINT round_parcel_pkey PRIMARY KEY (round_id, parcel_id);

ALTER TABLE ONLY round_plot
    ADD CONSTRAINT round_plot_pkey PRIMARY KEY (round_id, plot_id);

ALTER TABLE ONLY run_parcel
    ADD CONSTRAINT run_parcel_pkey PRIMARY KEY (run_id, parcel_id);

ALTER TABLE ONLY run
    ADD CONSTRAINT run_pkey PRIMARY KEY (id);

ALTER TABLE ONLY transfer
    ADD CONSTRAINT transfer_pkey PRIMARY KEY (id);

CREATE UNIQUE INDEX account_one_each ON account USING btree (kind, COALESCE(party_id, (0)::bigint), COALESCE(contract_id, (0)::bigint), COALESCE(project_id, (0)::bigint));

CREATE INDEX audit_event_subject_idx ON audit_event USING btree (subject);

CREATE INDEX block_account_id_idx ON block USING btree (account_id);

CREATE INDEX block_batch_id_idx ON block USING btree (batch_id);

CREATE INDEX block_origin_id_idx ON block USING btree (origin_id);

CREATE INDEX case_site_case_id_idx ON case_site USING btree (case_id);

CREATE UNIQUE INDEX contract_parcel_one_standing ON contract_parcel USING btree (parcel_id) WHERE standing;

CREATE INDEX culm_visit_id_idx ON culm USING btree (visit_id);

CREATE INDEX document_sha256_idx ON document USING btree (sha256);

CREATE INDEX document_subject_idx ON document USING btree (subject);

CREATE INDEX finding_round_id_idx ON finding USING btree (round_id);

CREATE INDEX idx_case_site_boundary ON case_site USING gist (boundary);

CREATE INDEX idx_parcel_version_boundary ON parcel_version USING gist (boundary);

CREATE INDEX idx_parcel_version_boundary_m ON parcel_version USING gist (boundary_m);

CREATE INDEX idx_plot_position ON plot USING gist ("position");

CREATE INDEX login_failure_login_idx ON login_failure USING btree (login);

CREATE INDEX loss_assessment_case_id_idx ON loss_assessment USING btree (case_id);

CREATE INDEX monitoring_round_project_id_idx ON monitoring_round USING btree (project_id);

CREATE INDEX parcel_mark_parcel_id_idx ON parcel_mark USING btree (parcel_id);

CREATE INDEX parcel_right_parcel_id_idx ON parcel_right USING btree (parcel_id);

CREATE INDEX parcel_status_idx ON parcel USING btree (status);

CREATE UNIQUE INDEX parcel_version_one_present ON parcel_version USING btree (parcel_id) WHERE (valid_to IS NULL);

CREATE INDEX parcel_version_source_idx ON parcel_version USING btree (source_sha256, source_row);

CREATE INDEX plot_project_id_idx ON plot USING btree (project_id);

CREATE INDEX plot_visit_plot_id_idx ON plot_visit USING btree (plot_id);

CREATE INDEX policy_key_idx ON policy USING btree (key);

CREATE UNIQUE INDEX role_grant_one_in_force ON role_grant USING btree (person_id, role) WHERE (revoked_at IS NULL);

CREATE INDEX run_round_id_idx ON run USING btree (round_id);

CREATE INDEX transfer_credit_id_idx ON transfer USING btree (credit_id);

CREATE INDEX transfer_debit_id_idx ON transfer USING btree (debit_id);

ALTER TABLE ONLY account
    ADD CONSTRAINT account_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contract(id);

ALTER TABLE ONLY account
    ADD CONSTRAINT account_party_id_fkey FOREIGN KEY (party_id) REFERENCES party(id);

ALTER TABLE ONLY account
    ADD CONSTRAINT account_project_id_fkey FOREIGN KEY (project_id) REFERENCES project(id);

ALTER TABLE ONLY audit_event
    ADD CONSTRAINT audit_event_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id);

ALTER TABLE ONLY audit_seal
    ADD CONSTRAINT audit_seal_event_id_fkey FOREIGN KEY (event_id) REFERENCES audit_event(id);

ALTER TABLE ONLY batch
    ADD CONSTRAINT batch_project_id_fkey FOREIGN KEY (project_id) REFERENCES project(id);

ALTER TABLE ONLY batch
    ADD CONSTRAINT batch_round_id_fkey FOREIGN KEY (round_id) REFERENCES monitoring_round(id);

ALTER TABLE ONLY block
    ADD CONSTRAINT block_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id);

ALTER TABLE ONLY block
    ADD CONSTRAINT block_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES batch(id);

ALTER TABLE ONLY block
    ADD CONSTRAINT block_case_id_fkey FOREIGN KEY (case_id) REFERENCES court_case(id);

ALTER TABLE ONLY block
    ADD CONSTRAINT block_origin_id_fkey FOREIGN KEY (origin_id) REFERENCES account(id);

ALTER TABLE ONLY block
    ADD CONSTRAINT block_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES block(id);

ALTER TABLE ONLY block
    ADD CONSTRAINT block_transfer_id_fkey FOREIGN KEY (transfer_id) REFERENCES transfer(id);

ALTER TABLE ONLY case_lock
    ADD CONSTRAINT case_lock_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id);

ALTER TABLE ONLY case_lock
    ADD CONSTRAINT case_lock_case_id_fkey FOREIGN KEY (case_id) REFERENCES court_case(id);

ALTER TABLE ONLY case_lock
    ADD CONSTRAINT case_lock_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id);

ALTER TABLE ONLY case_site
    ADD CONSTRAINT case_site_case_id_fkey FOREIGN KEY (case_id) REFERENCES court_case(id);

ALTER TABLE ONLY case_site
    ADD CONSTRAINT case_site_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id);

ALTER TABLE ONLY certificate_block
    ADD CONSTRAINT certificate_block_block_id_fkey FOREIGN KEY (block_id) REFERENCES block(id);

ALTER TABLE ONLY certificate_block
    ADD CONSTRAINT certificate_block_certificate_id_fkey FOREIGN KEY (certificate_id) REFERENCES certificate(id);

ALTER TABLE ONLY certificate
    ADD CONSTRAINT certificate_case_id_fkey FOREIGN KEY (case_id) REFERENCES court_case(id);

ALTER TABLE ONLY certificate
    ADD CONSTRAINT certificate_document_id_fkey FOREIGN KEY (document_id) REFERENCES document(id);

ALTER TABLE ONLY certificate
    ADD CONSTRAINT certificate_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id);

ALTER TABLE ONLY contract
    ADD CONSTRAINT contract_cooperative_id_fkey FOREIGN KEY (cooperative_id) REFERENCES party(id);

ALTER TABLE ONLY contract
    ADD CONSTRAINT contract_counterparty_id_fkey FOREIGN KEY (counterparty_id) REFERENCES party(id);

ALTER TABLE ONLY contract
    ADD CONSTRAINT contract_drafted_by_id_fkey FOREIGN KEY (drafted_by_id) REFERENCES person(id);

ALTER TABLE ONLY contract_parcel
    ADD CONSTRAINT contract_parcel_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contract(id);

ALTER TABLE ONLY contract_parcel
    ADD CONSTRAINT contract_parcel_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel(id);

ALTER TABLE ONLY contract
    ADD CONSTRAINT contract_signed_by_id_fkey FOREIGN KEY (signed_by_id) REFERENCES person(id);

ALTER TABLE ONLY court_case
    ADD CONSTRAINT court_case_appraiser_id_fkey FOREIGN KEY (appraiser_id) REFERENCES party(id);

ALTER TABLE ONLY court_case
    ADD CONSTRAINT court_case_court_id_fkey FOREIGN KEY (court_id) REFERENCES party(id);

ALTER TABLE ONLY court_case
    ADD CONSTRAINT court_case_opened_by_id_fkey FOREIGN KEY (opened_by_id) REFERENCES person(id);

ALTER TABLE ONLY court_case
    ADD CONSTRAINT court_case_prosecutor_id_fkey FOREIGN KEY (prosecutor_id) REFERENCES party(id);

ALTER TABLE ONLY court_case
    ADD CONSTRAINT court_case_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES party(id);

ALTER TABLE ONLY court_order
    ADD CONSTRAINT court_order_case_id_fkey FOREIGN KEY (case_id) REFERENCES court_case(id);

ALTER TABLE ONLY court_order
    ADD CONSTRAINT court_order_recorded_by_id_fkey FOREIGN KEY (recorded_by_id) REFERENCES person(id);

ALTER TABLE ONLY culm
    ADD CONSTRAINT culm_visit_id_fkey FOREIGN KEY (visit_id) REFERENCES plot_visit(id);

ALTER TABLE ONLY document
    ADD CONSTRAINT document_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id);

ALTER TABLE ONLY finding
    ADD CONSTRAINT finding_answered_by_id_fkey FOREIGN KEY (answered_by_id) REFERENCES person(id);

ALTER TABLE ONLY finding
    ADD CONSTRAINT finding_raised_by_id_fkey FOREIGN KEY (raised_by_id) REFERENCES person(id);

ALTER TABLE ONLY finding
    ADD CONSTRAINT finding_round_id_fkey FOREIGN KEY (round_id) REFERENCES monitoring_round(id);

ALTER TABLE ONLY land_claim
    ADD CONSTRAINT land_claim_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel(id);

ALTER TABLE ONLY land_claim
    ADD CONSTRAINT land_claim_version_id_fkey FOREIGN KEY (version_id) REFERENCES parcel_version(id);

ALTER TABLE ONLY land_import
    ADD CONSTRAINT land_import_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id);

ALTER TABLE ONLY layer
    ADD CONSTRAINT layer_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id);

ALTER TABLE ONLY layer
    ADD CONSTRAINT layer_stderr_layer_id_fkey FOREIGN KEY (stderr_layer_id) REFERENCES layer(id);

ALTER TABLE ONLY login_session
    ADD CONSTRAINT login_session_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id);

ALTER TABLE ONLY loss_assessment
    ADD CONSTRAINT loss_assessment_case_id_fkey FOREIGN KEY (case_id) REFERENCES court_case(id);

ALTER TABLE ONLY loss_assessment
    ADD CONSTRAINT loss_assessment_signed_by_id_fkey FOREIGN KEY (signed_by_id) REFERENCES person(id);

ALTER TABLE ONLY loss_assessment
    ADD CONSTRAINT loss_assessment_site_id_fkey FOREIGN KEY (site_id) REFERENCES case_site(id);

ALTER TABLE ONLY monitoring_round
    ADD CONSTRAINT monitoring_round_issued_by_id_fkey FOREIGN KEY (issued_by_id) REFERENCES person(id);

ALTER TABLE ONLY monitoring_round
    ADD CONSTRAINT monitoring_round_layer_end_id_fkey FOREIGN KEY (layer_end_id) REFERENCES layer(id);

ALTER TABLE ONLY monitoring_round
    ADD CONSTRAINT monitoring_round_layer_start_id_fkey FOREIGN KEY (layer_start_id) REFERENCES layer(id);

ALTER TABLE ONLY monitoring_round
    ADD CONSTRAINT monitoring_round_opened_by_id_fkey FOREIGN KEY (opened_by_id) REFERENCES person(id);

ALTER TABLE ONLY monitoring_round
    ADD CONSTRAINT monitoring_round_project_id_fkey FOREIGN KEY (project_id) REFERENCES project(id);

ALTER TABLE ONLY monitoring_round
    ADD CONSTRAINT monitoring_round_proposed_by_id_fkey FOREIGN KEY (proposed_by_id) REFERENCES person(id);

ALTER TABLE ONLY monitoring_round
    ADD CONSTRAINT monitoring_round_recorded_by_id_fkey FOREIGN KEY (recorded_by_id) REFERENCES person(id);

ALTER TABLE ONLY monitoring_round
    ADD CONSTRAINT monitoring_round_run_id_fkey FOREIGN KEY (run_id) REFERENCES run(id);

ALTER TABLE ONLY monitoring_round
    ADD CONSTRAINT monitoring_round_verified_by_id_fkey FOREIGN KEY (verified_by_id) REFERENCES person(id);

ALTER TABLE ONLY parcel
    ADD CONSTRAINT parcel_created_by_id_fkey FOREIGN KEY (created_by_id) REFERENCES person(id);

ALTER TABLE ONLY parcel_credit
    ADD CONSTRAINT parcel_credit_contract_id_fkey FOREIGN KEY (contract_id) REFERENCES contract(id);

ALTER TABLE ONLY parcel_credit
    ADD CONSTRAINT parcel_credit_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel(id);

ALTER TABLE ONLY parcel_credit
    ADD CONSTRAINT parcel_credit_round_id_fkey FOREIGN KEY (round_id) REFERENCES monitoring_round(id);

ALTER TABLE ONLY parcel_mark
    ADD CONSTRAINT parcel_mark_closed_by_id_fkey FOREIGN KEY (closed_by_id) REFERENCES person(id);

ALTER TABLE ONLY parcel_mark
    ADD CONSTRAINT parcel_mark_other_parcel_id_fkey FOREIGN KEY (other_parcel_id) REFERENCES parcel(id);

ALTER TABLE ONLY parcel_mark
    ADD CONSTRAINT parcel_mark_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel(id);

ALTER TABLE ONLY parcel_right
    ADD CONSTRAINT parcel_right_added_by_id_fkey FOREIGN KEY (added_by_id) REFERENCES person(id);

ALTER TABLE ONLY parcel_right
    ADD CONSTRAINT parcel_right_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel(id);

ALTER TABLE ONLY parcel_right
    ADD CONSTRAINT parcel_right_party_id_fkey FOREIGN KEY (party_id) REFERENCES party(id);

ALTER TABLE ONLY parcel_right
    ADD CONSTRAINT parcel_right_reviewed_by_id_fkey FOREIGN KEY (reviewed_by_id) REFERENCES person(id);

ALTER TABLE ONLY parcel_version
    ADD CONSTRAINT parcel_version_created_by_id_fkey FOREIGN KEY (created_by_id) REFERENCES person(id);

ALTER TABLE ONLY parcel_version
    ADD CONSTRAINT parcel_version_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel(id);

ALTER TABLE ONLY party
    ADD CONSTRAINT party_controlled_by_id_fkey FOREIGN KEY (controlled_by_id) REFERENCES party(id);

ALTER TABLE ONLY person
    ADD CONSTRAINT person_party_id_fkey FOREIGN KEY (party_id) REFERENCES party(id);

ALTER TABLE ONLY plot
    ADD CONSTRAINT plot_project_id_fkey FOREIGN KEY (project_id) REFERENCES project(id);

ALTER TABLE ONLY plot_visit
    ADD CONSTRAINT plot_visit_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id);

ALTER TABLE ONLY plot_visit
    ADD CONSTRAINT plot_visit_plot_id_fkey FOREIGN KEY (plot_id) REFERENCES plot(id);

ALTER TABLE ONLY policy
    ADD CONSTRAINT policy_approved_by_id_fkey FOREIGN KEY (approved_by_id) REFERENCES person(id);

ALTER TABLE ONLY policy
    ADD CONSTRAINT policy_proposed_by_id_fkey FOREIGN KEY (proposed_by_id) REFERENCES person(id);

ALTER TABLE ONLY project
    ADD CONSTRAINT project_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES party(id);

ALTER TABLE ONLY project_parcel
    ADD CONSTRAINT project_parcel_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel(id);

ALTER TABLE ONLY project_parcel
    ADD CONSTRAINT project_parcel_project_id_fkey FOREIGN KEY (project_id) REFERENCES project(id);

ALTER TABLE ONLY project
    ADD CONSTRAINT project_proposed_by_id_fkey FOREIGN KEY (proposed_by_id) REFERENCES person(id);

ALTER TABLE ONLY project
    ADD CONSTRAINT project_registered_by_id_fkey FOREIGN KEY (registered_by_id) REFERENCES person(id);

ALTER TABLE ONLY project
    ADD CONSTRAINT project_validated_by_id_fkey FOREIGN KEY (validated_by_id) REFERENCES person(id);

ALTER TABLE ONLY role_grant
    ADD CONSTRAINT role_grant_approved_by_id_fkey FOREIGN KEY (approved_by_id) REFERENCES person(id);

ALTER TABLE ONLY role_grant
    ADD CONSTRAINT role_grant_granted_by_id_fkey FOREIGN KEY (granted_by_id) REFERENCES person(id);

ALTER TABLE ONLY role_grant
    ADD CONSTRAINT role_grant_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id);

ALTER TABLE ONLY round_parcel
    ADD CONSTRAINT round_parcel_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel(id);

ALTER TABLE ONLY round_parcel
    ADD CONSTRAINT round_parcel_round_id_fkey FOREIGN KEY (round_id) REFERENCES monitoring_round(id);

ALTER TABLE ONLY round_parcel
    ADD CONSTRAINT round_parcel_version_id_fkey FOREIGN KEY (version_id) REFERENCES parcel_version(id);

ALTER TABLE ONLY round_plot
    ADD CONSTRAINT round_plot_plot_id_fkey FOREIGN KEY (plot_id) REFERENCES plot(id);

ALTER TABLE ONLY round_plot
    ADD CONSTRAINT round_plot_round_id_fkey FOREIGN KEY (round_id) REFERENCES monitoring_round(id);

ALTER TABLE ONLY round_plot
    ADD CONSTRAINT round_plot_visit_end_id_fkey FOREIGN KEY (visit_end_id) REFERENCES plot_visit(id);

ALTER TABLE ONLY round_plot
    ADD CONSTRAINT round_plot_visit_start_id_fkey FOREIGN KEY (visit_start_id) REFERENCES plot_visit(id);

ALTER TABLE ONLY run_parcel
    ADD CONSTRAINT run_parcel_parcel_id_fkey FOREIGN KEY (parcel_id) REFERENCES parcel(id);

ALTER TABLE ONLY run_parcel
    ADD CONSTRAINT run_parcel_run_id_fkey FOREIGN KEY (run_id) REFERENCES run(id);

ALTER TABLE ONLY run
    ADD CONSTRAINT run_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id);

ALTER TABLE ONLY run
    ADD CONSTRAINT run_round_id_fkey FOREIGN KEY (round_id) REFERENCES monitoring_round(id);

ALTER TABLE ONLY transfer
    ADD CONSTRAINT transfer_credit_id_fkey FOREIGN KEY (credit_id) REFERENCES account(id);

ALTER TABLE ONLY transfer
    ADD CONSTRAINT transfer_debit_id_fkey FOREIGN KEY (debit_id) REFERENCES account(id);

ALTER TABLE ONLY transfer
    ADD CONSTRAINT transfer_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id);
