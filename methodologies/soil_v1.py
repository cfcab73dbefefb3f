"""Soil organic carbon of sampled layers, at fixed depth and at equal soil mass; version 1.

SOC = sum OC x BD x d x (1 - coarse)/10 [tC/ha]: g/kg x g/cm3 x cm x 0.1 = t/ha. The mass of fine soil
is BD x d x (1 - coarse) x 100 [t/ha]. Stocks of two dates are compared on the same mass of fine soil,
or loosening and compaction would look like a change of carbon.

Sources: form as Li Yin et al. 2016 and Verra VM0042 (equivalent soil mass). Frozen with its methods.
"""

import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from methodologies.base import OutOfDomain
from methodologies.inputs import Model

Layers = Sequence["Layer"]


class Layer(Model):
    """One sampled layer, from the surface downwards."""

    oc_g_kg: Annotated[float, Field(ge=0, lt=600, description="有机碳，克/千克")]
    bd_g_cm3: Annotated[float, Field(gt=0, lt=3, description="容重，克/立方厘米")]
    thickness_cm: Annotated[float, Field(gt=0, description="层厚，厘米")]
    coarse_share: Annotated[float, Field(ge=0, lt=1, description="石砾体积比例")] = 0.0

    @property
    def mass_t_ha(self) -> float:
        """Return the fine soil [t/ha]."""
        return self.bd_g_cm3 * self.thickness_cm * (1.0 - self.coarse_share) * 100.0

    @property
    def c_t_ha(self) -> float:
        """Return the organic carbon [tC/ha]."""
        return self.oc_g_kg * self.mass_t_ha / 1000.0


def to_depth(layers: Layers, depth_cm: float) -> tuple[float, float]:
    """Return carbon [tC/ha] and fine soil [t/ha] down to the depth; OutOfDomain if not sampled."""
    carbon, mass, left = [], [], depth_cm
    for layer in layers:
        share = min(1.0, left / layer.thickness_cm)
        carbon.append(layer.c_t_ha * share)
        mass.append(layer.mass_t_ha * share)
        left -= layer.thickness_cm * share
        if left <= 1e-9:
            return math.fsum(carbon), math.fsum(mass)
    raise OutOfDomain(f"土样只到 {depth_cm - left:g} cm，需要 {depth_cm:g} cm；请补采深层土样。")


def to_mass(layers: Layers, mass_t_ha: float) -> float:
    """Return the carbon [tC/ha] in the uppermost so many tonnes of fine soil per hectare."""
    carbon, left = [], mass_t_ha
    for layer in layers:
        share = min(1.0, left / layer.mass_t_ha)
        carbon.append(layer.c_t_ha * share)
        left -= layer.mass_t_ha * share
        if left <= 1e-9 * mass_t_ha:
            return math.fsum(carbon)
    raise OutOfDomain(
        f"土样的细土质量比参照质量 {mass_t_ha:.1f} t/ha 少 {left:.1f} t/ha；"
        "请采到参照深度以下，才能按等质量比较。"
    )
