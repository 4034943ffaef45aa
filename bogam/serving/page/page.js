// The page of one served model. What it shows of the model comes from /api/model; what it asks
// goes through the same interface that everybody else uses.

const element = (id) => document.getElementById(id);
const LANGUAGES = ["zh", "ko", "en"];

let model = null;
let picture = null; // data URL of the chosen picture
let known = null; // what is known of it: an example's fields and reference
let running = null; // AbortController of what is being asked
let reading = null; // FileReader of the file that was chosen last
let shown = 0; // how many pictures were shown so far

// --- talking to the server ---------------------------------------------------------------------

function headers(more = {}) {
  const key = element("key").value;
  return key ? { ...more, Authorization: `Bearer ${key}` } : more;
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("서버에 닿지 않습니다. The server cannot be reached.");
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => null);
  throw new Error(told?.error?.message ?? `HTTP ${response.status}`);
}

function post(path, body, signal) {
  return call(path, {
    method: "POST",
    headers: headers({ "Content-Type": "application/json" }),
    body: JSON.stringify(body),
    signal,
  });
}

function messages(question) {
  const parts = picture ? [{ type: "image_url", image_url: { url: picture } }] : [];
  return [{ role: "user", content: [...parts, { type: "text", text: question }] }];
}

// Ask, and call `onText` with the answer as it grows.
async function ask(question, signal, onText) {
  const body = { model: model.name, messages: messages(question), stream: true };
  const response = await post("v1/chat/completions", body, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  let answer = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return answer.trim();
    waiting += value;
    const events = waiting.split("\n\n");
    waiting = events.pop();
    for (const event of events) {
      if (!event.startsWith("data: ") || event === "data: [DONE]") continue;
      const told = JSON.parse(event.slice(6));
      if (told.error) throw new Error(told.error.message ?? told.error);
      answer += told.choices[0]?.delta?.content ?? "";
      onText(answer.trim());
    }
  }
}

// --- one thing at a time -----------------------------------------------------------------------

async function run(work) {
  running?.abort();
  nothingWaits();
  running = new AbortController();
  const mine = running;
  element("problem").hidden = true;
  element("stop").hidden = false;
  element("read").disabled = true;
  try {
    await work(mine.signal);
  } catch (error) {
    if (!mine.signal.aborted) complain(error.message);
  } finally {
    if (mine === running) {
      element("stop").hidden = true;
      element("read").disabled = !picture;
      nothingWaits();
    }
  }
}

function nothingWaits() {
  for (const one of document.querySelectorAll(".waiting")) one.classList.remove("waiting");
}

function complain(message) {
  element("problem").textContent = message;
  element("problem").hidden = false;
}

// --- the chosen picture ------------------------------------------------------------------------

function choose(file) {
  if (!file) return;
  reading?.abort();
  // Base64 takes four bytes for three.
  if (file.size * 1.37 > model.request_bytes) {
    const limit = Math.floor(model.request_bytes / 1.37 / 2 ** 20);
    complain(`그림이 너무 큽니다. The picture is too large; at most ${limit} MB are taken.`);
    return;
  }
  reading = new FileReader();
  reading.onload = (event) => show(event.target.result, null);
  reading.onerror = () =>
    complain("그림을 읽을 수 없습니다. The file cannot be read; choose it once more.");
  reading.readAsDataURL(file);
}

function show(url, example) {
  // What is still read, asked or shown of another picture must not come to stand under this one.
  reading?.abort();
  running?.abort();
  const mine = ++shown;
  picture = url;
  known = example;
  element("problem").hidden = true;
  element("picture").src = url;
  element("figure").hidden = false;
  element("read").disabled = false;
  for (const id of ["fields-panel", "answers-panel", "classes-panel", "answer"]) {
    element(id).hidden = true;
  }
  element("reference").hidden = !example?.reference;
  element("reference").textContent = example?.reference
    ? `정답 · Reference\n${example.reference}` : "";
  for (const one of element("examples").children) {
    one.setAttribute("aria-pressed", String(example !== null && one.dataset.id === example.id));
  }
  clearBoxes();
  element("picture").decode().then(
    () => { if (mine === shown) drawBoxes(); },
    () => {
      if (mine !== shown) return;
      element("figure").hidden = true;
      complain("그림이 아닙니다. This is no picture that can be shown; the server may say more.");
    },
  );
}

function clearBoxes() {
  element("boxes").replaceChildren();
  element("box-note").textContent = "";
}

function drawBoxes() {
  const image = element("picture");
  const svg = element("boxes");
  svg.setAttribute("viewBox", `0 0 ${image.naturalWidth} ${image.naturalHeight}`);
  const boxed = (known?.fields ?? []).filter((field) => field.box.length === 4);
  for (const field of boxed) {
    const [left, top, right, bottom] = field.box;
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of Object.entries({
      x: left, y: top, width: right - left, height: bottom - top,
    })) rect.setAttribute(name, value);
    field.rect = rect;
    svg.append(rect);
  }
  element("box-note").textContent = boxed.length
    ? "초록: 읽은 값, 노랑: 아직 읽지 못한 값 · green: read, yellow: not read"
    : model.kind === "documents"
      ? "이 그림에서 값의 위치는 알려져 있지 않습니다 · where values stand is not known"
      : "";
}

// --- documents ---------------------------------------------------------------------------------

async function readDocument(signal) {
  const questions = model.document_questions[element("document-type").value];
  element("answers-panel").hidden = false;
  element("fields-panel").hidden = false;
  const tables = {};
  showFields(tables);
  for (const language of LANGUAGES) element(`answer-${language}`).textContent = "";
  for (const language of LANGUAGES) {
    const place = element(`answer-${language}`);
    place.classList.add("waiting");
    const answer = await ask(questions[language], signal, (text) => { place.textContent = text; });
    place.classList.remove("waiting");
    const response = await call("api/fields", {
      method: "POST", headers: headers(), body: answer, signal,
    });
    tables[language] = await response.json();
    showFields(tables);
  }
}

// One row for each field that an answer states or that is known, in all three languages.
function showFields(tables) {
  const rows = new Map();
  const row = (name, number) => {
    const key = `${name} ${number}`;
    if (!rows.has(key)) rows.set(key, { name, labels: null, values: {}, known: null });
    return rows.get(key);
  };
  for (const language of LANGUAGES) {
    const seen = {};
    for (const field of tables[language] ?? []) {
      seen[field.name] = (seen[field.name] ?? 0) + 1;
      const found = row(field.name, seen[field.name]);
      found.labels = field.labels;
      found.owned = found.owned || Boolean(field.owner);
      found.values[language] = field.value;
    }
  }
  const seen = {};
  for (const field of known?.fields ?? []) {
    seen[field.name] = (seen[field.name] ?? 0) + 1;
    const found = row(field.name, seen[field.name]);
    found.labels ??= field.labels;
    found.known = field;
  }
  element("fields").tBodies[0].replaceChildren(...[...rows.values()].map(fieldRow));
  element("known-head").hidden = !known?.fields.length;
  element("no-fields").hidden = rows.size > 0;
}

function fieldRow(row) {
  const line = document.createElement("tr");
  const name = line.insertCell();
  name.textContent = row.labels.ko === row.labels.en ? row.labels.ko : `${row.labels.ko} · ${row.labels.en}`;
  if (row.owned) name.className = "owner";
  for (const language of LANGUAGES) line.insertCell().textContent = row.values[language] ?? "";
  if (!known?.fields.length) return line;
  const cell = line.insertCell();
  const field = row.known;
  cell.textContent = field?.value ?? "";
  const right = field && Object.values(row.values).some((value) => states(value, field.value));
  cell.classList.toggle("known", Boolean(right));
  field?.rect?.classList.toggle("read", Boolean(right));
  if (field?.rect) {
    line.addEventListener("pointerenter", () => light(line, field.rect, true));
    line.addEventListener("pointerleave", () => light(line, field.rect, false));
  }
  return line;
}

function light(line, rect, on) {
  line.classList.toggle("lit", on);
  rect.classList.toggle("lit", on);
}

// Values are written with units and in the words of a language: what must agree is the value.
function states(answer, value) {
  const plain = (text) => text.replace(/[\s,]/g, "").toLowerCase();
  return plain(answer) === plain(value) || plain(answer).replace(/\D+$/, "") === plain(value);
}

// --- classes -----------------------------------------------------------------------------------

async function classify(signal) {
  const question = model.questions[0] ?? element("question").value;
  const body = { model: model.name, messages: messages(question) };
  const told = await (await post("v1/label_scores", body, signal)).json();
  const sorted = [...told.labels].sort((one, other) => other.probability - one.probability);
  element("classes").replaceChildren(...sorted.map(classRow));
  element("label-mass").textContent =
    `모델이 스스로 이 답들 중 하나를 쓸 확률 · the model itself would write one of these answers: ` +
    `${(100 * told.label_mass).toFixed(1)} %`;
  element("classes-panel").hidden = false;
}

function classRow(label) {
  const line = document.createElement("li");
  const name = document.createElement("span");
  name.textContent = `${label.korean} · ${label.name}`;
  if (known?.reference === label.answer) {
    name.className = "known";
    name.textContent += " ✓ 정답 · reference";
  }
  const share = document.createElement("span");
  share.textContent = `${(100 * label.probability).toFixed(1)} %`;
  const bar = document.createElement("div");
  bar.className = "bar";
  const filled = document.createElement("span");
  filled.style.width = `${100 * label.probability}%`;
  bar.append(filled);
  line.append(name, share, bar);
  return line;
}

// --- questions ---------------------------------------------------------------------------------

async function askQuestion(signal) {
  const place = element("answer");
  place.hidden = false;
  place.textContent = "";
  place.classList.add("waiting");
  await ask(element("question").value, signal, (text) => { place.textContent = text; });
}

// --- setting up --------------------------------------------------------------------------------

const TITLES = {
  documents: ["문서 사진 · A document", "읽기 · Read · 读取"],
  classes: ["사진 · A photo", "분류하기 · Classify"],
  pictures: ["그림 · A picture", ""],
};

const DOCUMENTS = {
  prescription: "처방전 · prescription · 处方笺",
  checkup: "건강검진 결과 · check-up · 体检结果",
  bill: "진료비 영수증 · bill · 诊疗费收据",
  label: "약 봉투 · medicine label · 药袋",
};

function fact(name, value) {
  const term = document.createElement("dt");
  term.textContent = name;
  const detail = document.createElement("dd");
  detail.append(value);
  element("facts").append(term, detail);
}

function link(text, href) {
  const anchor = document.createElement("a");
  anchor.textContent = text;
  anchor.href = href;
  return anchor;
}

function describe() {
  document.title = `${model.name} · bogam`;
  element("name").textContent = model.name;
  fact("카드 · Card", link(model.card, model.card));
  fact("판 · Revision", model.revision.slice(0, 12));
  if (model.base) fact("기반 · Base", model.base);
  if (model.dataset) fact("자료 · Dataset", model.dataset);
  for (const one of model.measured) {
    const side = one.side === "tuned" ? "조정 후 · tuned" : "조정 전 · zero-shot";
    fact(
      `${one.title.ko} (${side})`,
      `${one.value} [${one.low}, ${one.high}], ${one.n.toLocaleString()} held-out examples`,
    );
  }
  element("notice").textContent = [model.notice.ko, model.notice.en, model.notice.zh].join("\n");
  element("key-form").hidden = !model.needs_key;
  element("footer").textContent = model.licence ? `라이선스 · licence: ${model.licence}` : "";
  if (model.sees_images) {
    const [title, action] = TITLES[model.kind];
    element("picture-title").textContent = title;
    element("picture-panel").hidden = false;
    document.querySelector("main").classList.add("sees");
    element("read").textContent = action;
    element("read").hidden = !action;
    element("type-label").hidden = model.kind !== "documents";
    for (const type of Object.keys(model.document_questions)) {
      element("document-type").add(new Option(DOCUMENTS[type] ?? type, type));
    }
  }
  if (model.kind === "classes" && !model.sees_images) element("read").hidden = true;
  for (const question of model.questions) suggest(question);
}

function suggest(question) {
  const offered = [...element("suggestions").children].map((one) => one.textContent);
  if (offered.includes(question)) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = question;
  button.addEventListener("click", () => { element("question").value = question; });
  element("suggestions").append(button);
}

async function loadExamples() {
  for (let number = 0; number < model.examples; number += 1) {
    const example = await (await call(`api/examples/${number}`, { headers: headers() })).json();
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.id = example.id;
    if (example.image) {
      const image = document.createElement("img");
      image.src = example.image;
      image.alt = `보기 ${number + 1} · example ${number + 1}`;
      button.append(image);
      button.addEventListener("click", () => {
        show(example.image, example);
        if (example.document_type) element("document-type").value = example.document_type;
        element("question").value = example.question;
      });
      element("examples").append(button);
      element("examples").hidden = false;
    } else {
      suggest(example.question);
    }
  }
}

element("file").addEventListener("change", (event) => {
  choose(event.target.files[0]);
  event.target.value = ""; // or choosing the same file again would be no change
});
element("key").addEventListener("change", () => {
  if (!element("examples").children.length) loadExamples().catch((error) => complain(error.message));
});
element("key-form").addEventListener("submit", (event) => event.preventDefault());
for (const kind of ["dragover", "dragleave", "drop"]) {
  element("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    element("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") choose(event.dataTransfer.files[0]);
  });
}
element("read").addEventListener("click", () =>
  run(model.kind === "classes" ? classify : readDocument));
element("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  run(askQuestion);
});
element("stop").addEventListener("click", () => running?.abort());

try {
  model = await (await call("api/model")).json();
  describe();
  if (!model.needs_key) await loadExamples();
} catch (error) {
  complain(error.message);
}
document.body.dataset.ready = "true";
