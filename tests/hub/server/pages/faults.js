// What assistive technology needs on every page and does not find.
() => {
  const faults = [];
  const check = (selector, fine, fault) => {
    for (const element of document.querySelectorAll(selector))
      if (!fine(element)) faults.push(`${fault}: ${element.outerHTML.slice(0, 120)}`);
  };
  const name = e => e.getAttribute("aria-label") || e.textContent.trim() || e.querySelector("img[alt]:not([alt=''])");
  if (document.querySelectorAll("h1").length !== 1) faults.push("not exactly one h1");
  if (document.querySelectorAll("main").length !== 1) faults.push("not exactly one main");
  if (!document.documentElement.lang) faults.push("no language");
  if (!document.title) faults.push("no title");
  check("img", e => e.hasAttribute("alt"), "picture without alt");
  check("input:not([type=hidden]), select, textarea", e => e.labels.length > 0, "field without label");
  check("a[href], button", name, "link or button without name");
  check("table:not(.diff)", e => e.querySelector("th"), "table without headers");
  check("nav", e => e.hasAttribute("aria-label"), "navigation without name");
  check("[aria-labelledby]", e => document.getElementById(e.getAttribute("aria-labelledby")), "dangling label");
  check(":is(a, input, button)[tabindex]", e => false, "changed tab order");
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  if (new Set(ids).size !== ids.length) faults.push("an id twice");
  let last = 1;
  for (const heading of document.querySelectorAll("main :is(h1, h2, h3, h4, h5, h6)")) {
    const level = Number(heading.tagName[1]);
    if (level > last + 1 && !heading.closest("article.card")) faults.push(`heading jumps to ${heading.outerHTML}`);
    last = level;
  }
  return faults;
}
