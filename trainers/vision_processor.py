"""What turns pictures and text into a vision-language model's inputs, loaded without torchvision.

Qwen's own processor class also takes videos, and cannot be made where torchvision is missing. The
one here takes pictures and text alone and gives the same tensors for them. It has the name of the
class it stands in for and keeps that one's settings for videos, so that what it saves is what the
original class reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers
from transformers import AutoProcessor, PreTrainedConfig, ProcessorMixin
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from cards.errors import BogamError
from trainers.recipe_schema import ImagesSection

_OF_IMAGES_ONLY = ("image_processor_type", "processor_class", "size", "resample")


class _WithoutVideos:
    """Takes the place of the processor class that follows it among the bases."""

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: Any = None,
        chat_template: str | None = None,
    ) -> None:
        self._video_settings: dict[str, Any] | None = None
        for kind in ("image", "video"):
            token = getattr(tokenizer, f"{kind}_token", None) or f"<|{kind}_pad|>"
            setattr(self, f"{kind}_token", token)
            setattr(self, f"{kind}_token_id", tokenizer.convert_tokens_to_ids(token))
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    @classmethod
    def from_args_and_dict(cls, args: Any, processor_dict: dict[str, Any], **settings: Any) -> Any:
        """As upstream; the settings for videos are kept."""
        processor = super().from_args_and_dict(args, processor_dict, **settings)  # type: ignore[misc]
        processor._video_settings = processor_dict.get("video_processor")
        return processor

    def to_dict(self) -> dict[str, Any]:
        """As upstream, with the settings for videos that the original class expects."""
        settings: dict[str, Any] = super().to_dict()  # type: ignore[misc]
        videos = self._video_settings
        if videos is None:
            # Older repos have one file for both, of which this is what concerns videos.
            images = settings["image_processor"]
            videos = {key: value for key, value in images.items() if key not in _OF_IMAGES_ONLY}
            videos["video_processor_type"] = "Qwen2VLVideoProcessor"
        settings["video_processor"] = videos
        return settings


class Qwen2VLProcessor(_WithoutVideos, transformers.Qwen2VLProcessor):
    """`transformers.Qwen2VLProcessor` for pictures and text."""


class Qwen2_5_VLProcessor(_WithoutVideos, transformers.Qwen2_5_VLProcessor):
    """`transformers.Qwen2_5_VLProcessor` for pictures and text."""


def is_vision_language(config: PreTrainedConfig) -> bool:
    """Whether `AutoModelForImageTextToText` is the class that loads such a model."""
    return type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING and hasattr(config, "vision_config")


def load_processor(
    id: str | Path, config: PreTrainedConfig, images: ImagesSection | None = None, **at: Any
) -> ProcessorMixin:
    """The processor of a vision-language model, by folder or Hub id.

    Its chat template is its tokenizer's too, whichever of them the files give it to.

    Args:
        images: limits that take the place of the files'.
        at: `revision`.

    Raises:
        BogamError: the files make no processor, there is no chat template, or the limits do not
            fit the model.
        OSError, ValueError: from transformers, for files that are missing or damaged.
    """
    by_type: dict[str, type[ProcessorMixin]] = {
        "qwen2_vl": Qwen2VLProcessor,
        "qwen2_5_vl": Qwen2_5_VLProcessor,
    }
    processor = by_type.get(config.model_type, AutoProcessor).from_pretrained(str(id), **at)
    if not isinstance(processor, ProcessorMixin):
        raise BogamError(
            f"base model {id}: it sees pictures, but its files give a {type(processor).__name__} "
            "in place of a processor for pictures and text. Is preprocessor_config.json there?"
        )
    template = processor.chat_template or processor.tokenizer.chat_template
    processor.chat_template = processor.tokenizer.chat_template = template
    if images is not None:
        _set_limits(processor, images, id)
    return processor


def _set_limits(processor: ProcessorMixin, images: ImagesSection, id: str | Path) -> None:
    size = dict(processor.image_processor.size)
    if not {"shortest_edge", "longest_edge"} <= size.keys() or not hasattr(
        processor.image_processor, "merge_size"
    ):
        raise BogamError(
            f"base model {id}: its processor ({type(processor).__name__}) has no limits of pixels; "
            "it cuts pictures into tiles of a fixed size. Leave `images` out of the recipe."
        )
    # Despite their names these are numbers of pixels, see transformers' `smart_resize`.
    size["shortest_edge"] = images.min_pixels or size["shortest_edge"]
    size["longest_edge"] = images.max_pixels or size["longest_edge"]
    token = (processor.image_processor.patch_size * processor.image_processor.merge_size) ** 2
    if not token <= size["longest_edge"] or size["shortest_edge"] > size["longest_edge"]:
        raise BogamError(
            f"images: from {size['shortest_edge']} to {size['longest_edge']} pixels is no range of "
            f"whole tokens; one takes {token} pixels. Correct min_pixels and max_pixels."
        )
    settings = processor.image_processor.to_dict() | {"size": size}
    processor.image_processor = type(processor.image_processor).from_dict(settings)
