"""The method `moso-mgmt/1` told to a reader in Chinese; its examples are computed here and now."""

import math

from methodologies import deductions, factors, moso_stand_v1, stat_raster_v1, statistics
from methodologies.base import CO2_PER_C
from methodologies.moso_stand_v1 import Culms

_SHOWN_FACTOR_IDS = (
    *moso_stand_v1.CULM_FACTOR_IDS,
    "moso.age_du_rule",
    "moso.R",
    "moso.CF",
    "const.c_to_co2",
    "moso.phase_step",
    "stat.confidence",
    "leakage.moso_mgmt",
    "n2o.EF1.synthetic_wet",
    "n2o.EF1.organic_wet",
    "n2o.EF4.wet",
    "n2o.EF5",
    "n2o.FracGASF",
    "n2o.FracGASM",
    "n2o.FracLEACH",
    "urea.EF",
    "fire.Gef.ch4",
    "fire.Gef.n2o",
    "fire.Cf",
    "gwp.n2o.ar6",
    "risk.registry",
)

# A plot of 400 m2 with 100 culms, (diameter, du, culms): the worked example of the method text.
EXAMPLE_PLOT_M2 = 400.0
EXAMPLE_CULMS = tuple(
    Culms(dbh_cm, du, count)
    for dbh_cm, du, count in (
        (8.0, 1, 10),
        (8.0, 2, 12),
        (8.0, 3, 8),
        (10.0, 1, 14),
        (10.0, 2, 18),
        (10.0, 3, 14),
        (10.0, 4, 6),
        (12.0, 1, 6),
        (12.0, 2, 8),
        (12.0, 3, 4),
    )
)


def explain() -> list[tuple[str, str]]:
    """Return (heading, markdown) sections in Chinese: scope, equations, factors, worked examples."""
    return [
        ("适用范围", _SCOPE),
        ("计入与不计入的碳库和排放源", _POOLS),
        ("单株生物量方程", _culm_equation()),
        ("从样地到碳汇量", _STEPS),
        ("大小年规则", _PHASE),
        ("与增减量法相互核对", _CROSS_CHECK),
        ("不确定性与扣减", _deduction_table()),
        ("参数表", _factor_table()),
        ("算例一：一个样地的储量", _plot_example()),
        ("算例二：一个监测期的碳汇量", _round_example()),
        ("算例三：为什么只靠栅格、单个地块通常得零", _raster_example()),
    ]


_SCOPE = """\
本方法（`moso-mgmt/1`）计量毛竹林（*Phyllostachys edulis*）因经营改善而增加的碳储量，参照 AR-CM-005-V01《竹林经营碳汇项目方法学》的思路编写，
**不声称符合该方法学**（原文公式尚未核对），现行 CCER 也没有竹林经营方法学，所得碳汇量只用于本地机制。

- 竹林郁闭度不低于 0.20，连续面积不小于 1 亩，竹高不低于 2 m，胸径不小于 2 cm；散生乔木郁闭度低于 0.20。
- 不是湿地，不是有机土；不违反林业法规与强制性技术规范。
- 采伐只运走竹秆和竹枝，不清走枯落物，不伐除原有散生木。
- 松土除草按带状进行，**不得深翻垦复**；施肥用沟施、穴施并覆土。
- 至少采取一项科学经营措施。"""

_POOLS = """\
| 碳库或排放源 | 是否计入 | 理由 |
|---|---|---|
| 竹林地上生物量 | 计入 | 主体 |
| 竹林地下生物量（竹蔸、竹鞭、竹根） | 储量计入；变化量由 `bgb_change_mode` 决定 | 竹鞭响应慢；取 `none` 时增加不计、减少照计 |
| 散生乔木 | 增长不计，损失照扣 | 从严 |
| 少采竹材由别处补上（市场泄漏） | 采伐量低于基线时按政策比例扣 | 比例尚待登记机构确定，缺少时不得签发 |
| 枯落物、枯死木、灌草 | 不计 | 量小 |
| 土壤有机碳 | 不计增加 | 从严 |
| 竹材产品 | 不计 | 参数未核实 |
| 施肥氧化亚氮、尿素二氧化碳 | 只计超过基线的部分，逐类比较，减少不奖励 | 集约经营竹林确有排放 |
| 林火甲烷、氧化亚氮 | 发生即计 | 火烧的二氧化碳已在储量变化中 |
| 化石燃料 | 不计 | 量小 |"""

_STEPS = """\
1. 样地内每株竹代入单株方程后相加，除以样地**水平面积**（坡度大于 10 % 时沿坡面积乘以坡度余弦）。不得用平均胸径代入，方程非线性，会有系统偏差。
2. 每层的变化量 = 图上两期均值之差 + 各样地误差的平均；误差 = 样地实测变化 − 图上变化。没有图时只用样地，没有样地时只用图。
3. 各层按面积加权，得每公顷地上生物量变化 ΔAGB 及标准误。
4. 毛碳汇量 = ΔAGB × 面积 ×（1 + 根茎比 R）× 含碳率 CF × 44/12。
5. 扣减不确定性，减去（调高后的）基线、排放和泄漏；达到目标结构后封顶；减去上期结转的负值，得净碳汇量。
6. 净碳汇量乘以缓冲比例存入缓冲池；余下部分**只在最后一次**向下取整到千克，再按最大余数法分到地块，合计分毫不差。"""

_PHASE = """\
毛竹大年发笋多、小年换叶，生物量随之起伏。两次调查须**同为大年或同为小年**，相隔 2 年的整数倍、季节相同；花年竹林除外。
不满足时只作清查，不签发。年固碳量（净初级生产力）大部分被采伐和凋落抵消，**不是碳汇量**。"""


_CROSS_CHECK = """\
碳汇量只用储量差法（SD）。另有新竹与采伐记录时，可填增减量法（GL = 增加 − 减少）作核对，**不计入结果**：
|SD − GL| 超过 1.96·√(σ_SD² + σ_GL²) 时提醒核对样地与采伐记录（方法说明 4.2，IPCC 式 2.7）。"""


def _culm_equation() -> str:
    a, b, c, d, e, f = (factors.number(i) for i in moso_stand_v1.CULM_FACTOR_IDS)
    low, high = factors.factor("moso.eq.domain_d").value_range or (0.0, 0.0)
    rows = "\n".join(
        f"| {dbh:g} | "
        + " | ".join(f"{moso_stand_v1.culm_agb_kg(dbh, du):.4f}" for du in range(1, 6))
        + " |"
        for dbh in (6.0, 8.0, 9.0, 10.0, 12.0, 14.0)
    )
    return f"""\
$$M(D, A) = {a:g}\\, D^{{{b:g}}} \\left[\\frac{{{c:g}\\, A}}{{{d:g} + A}}\\right]^{{{e:g}}} + {f:g}$$

M 为单株地上干生物量（千克，含秆、枝、叶），D 为胸径（厘米），A 为竹龄（**度**）。
1 年生竹为 1 度，2–3 年为 2 度，4–5 年为 3 度，以后每两年一度。来源：周国模（2006）博士论文，系数凭记忆录入，须核对。
胸径不足 2 厘米的拒绝计算；{low:g}–{high:g} 厘米或 1–5 度以外给出提醒。

| 胸径（cm） | 1 度 | 2 度 | 3 度 | 4 度 | 5 度 |
|---|---|---|---|---|---|
{rows}"""


def _deduction_table() -> str:
    rule = deductions.find("ar_tool14")
    lower, rows = 0.0, []
    for step in rule.steps:
        bound = f"大于 {100 * lower:g} %"
        if step.u90_max <= 1.0:
            bound = f"不超过 {100 * step.u90_max:g} %"
            bound = f"大于 {100 * lower:g} %，{bound}" if lower else bound
        rows.append(f"| {bound} | {100 * step.share:g} % |")
        lower = step.u90_max
    table = "\n".join(rows)
    return f"""\
不确定性 U 为 90 % 置信区间的半宽除以均值的绝对值，只含抽样误差（AR-TOOL14）。样地误差偏斜（如图上没有看到的采伐）时
半宽加宽（SKEWED_RESIDUALS）。默认规则“{rule.title_zh}”：

| U | 从均值中扣去半宽的 |
|---|---|
{table}

项目碳汇量向下扣，基线向上调。正的碳汇量最多扣到零；估计为损失的，损失额调大。
报告的标准差另按误差传递法合并抽样、根茎比与含碳率三项。"""


def _factor_table() -> str:
    rows = []
    for factor_id in _SHOWN_FACTOR_IDS:
        found = factors.factor(factor_id)
        value = "待登记机构确定" if found.value is None else found.value
        shown = "" if found.uncertainty in (None, 0) else str(found.uncertainty)
        trust = "凭记忆，须核对" if found.confidence == factors.MEMORY else "已核对"
        # A bar inside a cell would split it.
        source = found.source.replace("|", "\\|")
        rows.append(f"| `{found.id}` | {value} | {found.unit} | {shown} | {trust} | {source} |")
    body = "\n".join(rows)
    return f"| 参数 | 数值 | 单位 | 不确定性 | 可信度 | 来源 |\n|---|---|---|---|---|---|\n{body}"


def _plot_example() -> str:
    agb = moso_stand_v1.plot_agb_t_ha(EXAMPLE_CULMS, EXAMPLE_PLOT_M2)
    culms = sum(c.count for c in EXAMPLE_CULMS)
    kilograms = sum(c.count * moso_stand_v1.culm_agb_kg(c.dbh_cm, c.age_du) for c in EXAMPLE_CULMS)
    r, cf = factors.number("moso.R"), factors.number("moso.CF")
    return f"""\
{EXAMPLE_PLOT_M2:g} m² 样地，{culms:g} 株（每公顷 {culms / EXAMPLE_PLOT_M2 * 10_000:g} 株），胸径 8、10、12 cm，1–4 度。

- 单株生物量合计 {kilograms:.4f} kg，地上生物量 **{agb:.4f} t/ha**
- 地下生物量（R = {r:g}）{agb * r:.4f} t/ha
- 碳储量（CF = {cf:g}）{agb * (1 + r) * cf:.4f} tC/ha
- 折合 **{agb * moso_stand_v1.co2_t_per_agb_t():.4f} tCO₂/ha**。这是储量，不是碳汇量。"""


def _round_example() -> str:
    area_ha, map_change, mean_e, s_e, n = 500.0, 4.8125, -0.4, 3.0, 30
    # One value above and one below the mean in each pair reproduces mean and deviation exactly.
    step = s_e * ((n - 1) / n) ** 0.5
    errors = [mean_e + (step if i % 2 else -step) for i in range(n)]
    found = statistics.difference_estimator(map_change, errors, [0.0] * n)
    estimate = found.estimate
    conservative, _ = deductions.deduct(estimate.mean, estimate.u90, "ar_tool14")
    of_half_width = deductions.share_of_half_width(estimate.u90, "ar_tool14")
    per_agb = moso_stand_v1.co2_t_per_agb_t()
    r, cf = factors.number("moso.R"), factors.number("moso.CF")
    return f"""\
一层 {area_ha:g} 公顷，{n} 个样地，两期图上变化 {map_change:g} t/ha，样地误差平均 {mean_e:g}、标准差 {s_e:g} t/ha。

- ΔAGB = {map_change:g} + ({mean_e:g}) = **{estimate.mean:.4f} t/ha**，标准误 {estimate.stderr:.4f}
- t(90 %, {estimate.df}) = {estimate.t90:.4f}，半宽 {estimate.half_width:.4f}，U = {100 * estimate.u90:.2f} %，扣去半宽的 {100 * of_half_width:g} %
- 保守值 {conservative:.4f} t/ha × (1 + {r:g}) × {cf:g} × {CO2_PER_C:.4f} = {conservative * per_agb:.4f} tCO₂/ha
- 全层 **{conservative * per_agb * area_ha:,.1f} tCO₂**（未减基线、排放与缓冲）"""


def _raster_example() -> str:
    found = stat_raster_v1.METHOD.run(stat_raster_v1.EXAMPLE)["intermediate"]
    sds, u90 = found["stderr_delta_t"], found["u90"]
    conservative = max(found["conservative_co2_t"].values())
    needed = statistics.t_quantile(None) * math.sqrt(2.0) * 0.18 * 60.0
    return f"""\
{found["area_ha"]:g} 公顷、9 个 100 m 像元，每个像元误差 18 %：两期均值 {found["agb_t_ha_start"]:.4f} → {found["agb_t_ha_end"]:.4f} t/ha，
ΔC = {found["delta_c_t"]:.4f} tC = {found["co2_t"]:.4f} tCO₂。

| 像元误差 | ΔB 的标准差（t） | U |
|---|---|---|
| 相互独立（下限） | {sds["independent"]:.4f} | {100 * u90["independent"]:.0f} % |
| 按 exp(−d/100 m) 相关 | {sds["exponential"]:.4f} | {100 * u90["exponential"]:.0f} % |
| 完全相关（没有变差函数时） | {sds["full"]:.4f} | {100 * u90["full"]:.0f} % |

按 `ar_tool14` 扣去全部半宽后，三种情形都是 **{conservative:g} tCO₂**。误差彼此相关，像元再多也不会抵消：
单个地块的变化要到约 {needed:.0f} t/ha 才显著，而经营良好的毛竹林每年只增 1–2 t/ha。所以按层布设样地、用样地误差校正图，再分到地块。"""
