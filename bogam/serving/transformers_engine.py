"""The engine of small machines: `transformers serve`, loaded with our model.

Everything that answers is transformers' own. Only what it loads is ours, because by a repo's name
alone it cannot have an adapter (which has no config.json), needs torchvision for Qwen's processor,
and holds the vision tower in 4 bits too. And it decodes greedily unless asked for a temperature,
refuses what the model has no room for, and scores the classes of a closed set.

Run as a child: `python -m bogam.serving.transformers_engine MODEL --name NAME --socket PATH`.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from transformers.cli.serving.chat_completion import ChatCompletionHandler
from transformers.cli.serving.completion import CompletionHandler
from transformers.cli.serving.model_manager import ModelManager
from transformers.cli.serving.response import ResponseHandler
from transformers.cli.serving.server import build_server
from transformers.cli.serving.systemone import SystemOneHandler
from transformers.cli.serving.transcription import TranscriptionHandler
from transformers.cli.serving.utils import BaseHandler, GenerationState
from transformers.utils import logging

from cards.errors import BogamError
from trainers.generation import greedy_decoding, stop_tokens
from trainers.inference import (
    ModelToAsk,
    check_room,
    class_scores,
    load_model,
    question_of,
)
from trainers.model_source import find_model


class _OneModel(ModelManager):
    """Gives the model that is there already, whichever is asked for."""

    def __init__(self, asked: ModelToAsk, name: str) -> None:
        self._asked = asked
        super().__init__(device=str(asked.model.device), force_model=name)

    def _load_processor(self, model_id_and_revision: str, gguf_file: str | None = None) -> Any:
        return self._asked.processor or self._asked.tokenizer

    def _load_model(self, model_id_and_revision: str, *_: Any, **__: Any) -> Any:
        return self._asked.model


class _Chat(ChatCompletionHandler):
    """Answers as the model was measured.

    `max_tokens` is what the gateway sets where a caller says nothing, and gives way where the
    model has less room; `max_completion_tokens` is a caller's word.
    """

    def __init__(self, models: ModelManager, state: GenerationState, asked: ModelToAsk) -> None:
        super().__init__(models, state)
        self._asked = asked

    def _resolve_model(self, body: dict[str, Any]) -> tuple[str, Any, Any]:
        """Under the name that callers know, without transformers' `@main`."""
        _, model, processor = super()._resolve_model(body)
        return body["model"], model, processor

    def _build_generation_config(
        self, body: dict[str, Any], model_generation_config: Any, use_cb: bool = False
    ) -> Any:
        if body.get("stop") is not None and self._asked.processor is not None:
            # transformers looks for the vocabulary in the processor, which has none.
            raise HTTPException(400, "stop: not for models that see pictures.")
        config = super()._build_generation_config(body, model_generation_config, use_cb)
        config.do_sample = bool(body.get("temperature"))
        config.gives_way = body.get("max_completion_tokens") is None
        return config

    def _streaming(self, request_id: str, *rest: Any, **named: Any) -> Any:
        self._fit(rest[3], rest[4])
        return super()._streaming(request_id, *rest, **named)

    async def _non_streaming(self, request_id: str, *rest: Any, **named: Any) -> Any:
        self._fit(rest[3], rest[4])
        return await super()._non_streaming(request_id, *rest, **named)

    def _fit(self, inputs: Any, config: Any) -> None:
        prompt = inputs["input_ids"].shape[-1]
        if config.__dict__.pop("gives_way"):
            room = self._asked.positions - prompt
            config.max_new_tokens = max(1, min(config.max_new_tokens, room))
        try:
            check_room(self._asked, prompt, config.max_new_tokens)
        except BogamError as error:
            raise HTTPException(400, str(error)) from error


def build_engine(asked: ModelToAsk, name: str) -> FastAPI:
    """The app of `transformers serve` around one model, with `/v1/label_scores` beside it.

    `name` is what requests call the model.
    """
    stops = stop_tokens(asked.model, asked.tokenizer)
    # A request's settings are laid over these.
    asked.model.generation_config = greedy_decoding(
        asked.source.max_new_tokens, asked.tokenizer.pad_token_id, stops
    )
    models, state = _OneModel(asked, name), GenerationState()
    app: FastAPI = build_server(
        models,
        _Chat(models, state, asked),
        completion_handler=CompletionHandler(models, state),
        response_handler=ResponseHandler(models, state),
        transcription_handler=TranscriptionHandler(models, state),
        systemone_handler=SystemOneHandler(models, state),
        generation_state=state,
    )
    classes = asked.source.classes

    @app.post("/v1/label_scores")
    async def label_scores(body: dict[str, Any]) -> JSONResponse:
        messages = BaseHandler.get_processor_inputs_from_messages(
            body["messages"], models.get_model_modality(asked.model, asked.processor)
        )
        try:
            # On the thread that generates: a model answers one question at a time.
            scores = await state.get_manager(name).async_submit(
                lambda: class_scores(asked, [question_of(messages)])
            )
        except BogamError as error:
            raise HTTPException(400, str(error)) from error
        return JSONResponse(
            {
                "object": "label_scores",
                "model": body["model"],
                "labels": [
                    {
                        "name": one.name,
                        "korean": one.korean,
                        "answer": one.answer,
                        "probability": float(probability),
                    }
                    for one, probability in zip(classes, scores.probabilities[0], strict=True)
                ],
                "label_mass": float(scores.label_mass[0]),
            }
        )

    return app


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--revision", default="main")
    parser.add_argument("--name", required=True)
    parser.add_argument("--socket", required=True)
    parser.add_argument("--load-in-4bit", action="store_true")
    options = parser.parse_args()
    # It would note every request, in a log that nobody shortens.
    logging.set_verbosity_error()
    # However the gateway ends, the pipe from it breaks, and this process ends too.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        source = find_model(options.model, revision=options.revision)
        asked = load_model(source, load_in_4bit=options.load_in_4bit)
    except BogamError as error:
        sys.exit(str(error))
    uvicorn.run(build_engine(asked, options.name), uds=options.socket, log_level="warning")


def _end_with_parent() -> None:
    # Not by sys.stdin, whose lock a thread must not hold when the interpreter ends.
    while os.read(0, 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
