"""Which weights a recipe trains, and at which rates: LoRA, and parts that are trained whole."""

from __future__ import annotations

from peft import PeftModel, get_peft_model
from peft.utils import ModulesToSaveWrapper
from transformers import PreTrainedModel

from trainers.lora_targets import lora_config
from trainers.model_parts import part_pattern
from trainers.parameter_groups import GroupRule
from trainers.recipe_schema import OptimiserSection, TuningSection

LORA = "lora"


def with_adapter(
    model: PreTrainedModel, tuning: TuningSection, *, in_float32: bool = True
) -> PeftModel:
    """Lay LoRA on a base model, and copies of the parts that are trained whole.

    Args:
        in_float32: hold what is trained in float32 whatever the base is in: most updates at the
            rate of a vision tower round to nothing in bfloat16.

    Raises:
        BogamError: see `trainers.lora_targets.lora_config`.
    """
    adapted = get_peft_model(model, lora_config(model, tuning), autocast_adapter_dtype=in_float32)
    assert isinstance(adapted, PeftModel)
    if in_float32:
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
    return adapted


def as_the_base(adapted: PeftModel) -> None:
    """Turn what was trained whole to the precision of the base's own copy.

    So it is held by whoever loads the adapter on such a base, and so it must be measured.
    """
    for module in adapted.modules():
        if isinstance(module, ModulesToSaveWrapper):
            for name, parameter in module.modules_to_save.named_parameters():
                own = module.original_module.get_parameter(name.partition(".")[2])
                parameter.data = parameter.data.to(own.dtype)


def group_rules(
    model: PreTrainedModel, tuning: TuningSection, optimiser: OptimiserSection
) -> list[GroupRule]:
    """LoRA first: the rate of the first group is the one that trainers log."""
    rules = [GroupRule(LORA, r"\.lora_", optimiser.lr, optimiser.weight_decay)]
    for full in tuning.full:
        pattern = part_pattern(model, full.part)
        rules.append(GroupRule(full.part, pattern, full.lr, optimiser.weight_decay))
    return rules
