"""The words of a run's report: names of inputs and results with their units, in Chinese."""

from collections.abc import Mapping
from types import MappingProxyType

# What a name of input or result means; a name that is not here is printed as it is.
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "period": "监测期", "start": "起（含）", "end": "止（不含）",
        "phase_start": "期初大小年", "phase_end": "期末大小年",
        "strata": "层", "stratum": "层", "id": "编号", "area_ha": "面积（公顷）",
        "area_m2": "面积（平方米）", "slope_deg": "坡度（度）", "weight": "面积权重",
        "plots": "样地", "parcels": "地块", "allocation": "地块分摊", "components": "碳库与气体",
        "map_agb_t_ha_start": "期初图上生物量（t/ha）", "map_agb_t_ha_end": "期末图上生物量（t/ha）",
        "map_stderr_t_ha_start": "期初图上标准误（t/ha）",
        "map_stderr_t_ha_end": "期末图上标准误（t/ha）",
        "map_stderr_co2_t": "图上标准误（tCO2）",
        "agb_t_ha_start": "期初样地生物量（t/ha）", "agb_t_ha_end": "期末样地生物量（t/ha）",
        "plot_agb_t_ha": "各样地生物量",
        "culms_start": "期初竹株", "culms_end": "期末竹株", "dbh_cm": "胸径（厘米）",
        "count": "株数", "age_du": "竹龄（度）", "age_years": "竹龄（年）",
        "gross_co2_t": "估计的碳汇量（tCO2）", "stderr_co2_t": "标准误（tCO2）",
        "deduction_share": "扣减份额", "net_co2_t": "净量（tCO2）", "buffer_co2_t": "缓冲（tCO2）",
        "baseline_co2_t": "基线碳汇量（tCO2）", "co2_t": "碳汇量（tCO2）",
        "u90": "相对不确定性（90% 半宽）", "baseline_u90": "基线相对不确定性",
        "baseline_conservative_co2_t": "从严基线（tCO2）",
        "emissions": "排放申报", "fertiliser_n_kg_project": "项目施氮（kg）",
        "fertiliser_n_kg_baseline": "基线施氮（kg）", "emissions_co2e_t": "排放（tCO2e）",
        "leakage_co2e_t": "泄漏（tCO2e）", "carried_debit_kg": "上期结转的负值（kg）",
        "debit_carried_forward_kg": "结转下期的负值（kg）",
        "deduction": "扣减规则", "deduction_policy": "扣减规则", "buffer_share": "缓冲比例",
        "gwp_set": "增温潜势", "unit_kg": "登记单位（kg）", "bgb_change_mode": "地下部分变化量算法",
        "min_plots_per_stratum": "每层最少样地数", "pool": "碳库", "gas": "气体",
        "co2e_t": "碳汇量（tCO2e）", "stderr_co2e_t": "标准误（tCO2e）",
        "years": "年数", "mode": "估计方式", "n": "样地数",
        "map_delta_t_ha": "图上差（t/ha）", "mean_e_t_ha": "样地误差均值（t/ha）",
        "s_e_t_ha": "样地误差标准差（t/ha）", "delta_agb_t_ha": "生物量变化 ΔAGB（t/ha）",
        "se_t_ha": "变化的标准误（t/ha）", "df": "自由度", "t90": "t 值（90% 双侧）",
        "half_width_t_ha": "90% 半宽（t/ha）", "deduction_of_half_width": "扣减半宽的份额",
        "conservative_delta_agb_t_ha": "扣减后的变化（t/ha）", "r": "根茎比 R",
        "r_stderr": "R 的标准误", "cf": "含碳率 CF", "cf_stderr": "CF 的标准误",
        "co2_per_c": "44/12", "co2_per_agb": "(1+R)×CF×44/12",
        "stderr_sampling_co2_t": "抽样标准误（tCO2）", "stderr_r_co2_t": "R 引起的标准误（tCO2）",
        "stderr_cf_co2_t": "CF 引起的标准误（tCO2）", "conservative_co2_t": "扣减后（tCO2）",
        "saturation_remaining_co2_t": "到饱和的余量（tCO2）",
        "net_before_debit_co2_t": "结转前净量（tCO2）", "issuable_units": "整登记单位",
        "unit_residue_kg": "不足一单位（kg）", "issuable_kg": "可签发（kg）",
        "valid_share": "有效覆盖", "map_error": "图的误差相关",
    }
)  # fmt: skip
VALUES: Mapping[str, str] = MappingProxyType(
    {
        "model_assisted": "图上差 + 样地校正", "raster": "只用两期图",
        "ar_tool14": "AR-TOOL14 分级扣减", "ar_cm": "AR-CM 分级扣减", "gs403": "GS 403 扣减",
        "proportional": "随地上部分按比例", "none": "增加不计、减少照计", "area": "按面积",
        "map_change": "按图上变化", "on": "大年", "off": "小年", "mixed": "花年",
        "unknown": "不详", "AGB": "地上生物量", "BGB": "地下生物量", "ar5": "IPCC AR5",
        "ar6": "IPCC AR6",
    }
)  # fmt: skip
