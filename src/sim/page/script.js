// Without this the page works by itself, with a new page after each act. With it, the server tells what changed
// and nothing else is touched: what is being typed, what is open and where one has scrolled stay.
(() => {
  const id = (name) => document.getElementById(name);
  const ask = id("ask"), late = id("late"), below = id("below"), scroll = id("scroll");
  const narrow = matchMedia("(max-width: 47.99rem)");

  // ---- what is new -------------------------------------------------------------------------

  const fields = (node) => [...node.querySelectorAll("input:not([type=hidden]), textarea, select")];
  const ticks = (field) => field.type === "checkbox" || field.type === "radio";
  const isChanged = (field) =>
    field.tagName === "SELECT" ? [...field.options].some((o) => o.selected !== o.defaultSelected)
      : ticks(field) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  const focusable = (node) => [...node.querySelectorAll("a, button, summary, input:not([type=hidden]), textarea, select")];

  // Takes over from an item what the person did to it: words typed, things opened, the focus.
  function carry(before, after) {
    const old = fields(before).filter(isChanged);
    for (const field of fields(after)) {
      const same = old.find((o) => o.name === field.name && o.type === field.type && (!ticks(field) || o.value === field.value));
      if (!same) continue;
      if (ticks(field)) field.checked = same.checked; else field.value = same.value;
    }
    const opened = [...before.querySelectorAll("details")];
    [...after.querySelectorAll("details")].forEach((one, n) => { if (opened[n]?.open) one.open = true; });
    const at = focusable(before).indexOf(document.activeElement);
    const [from, to] = [document.activeElement?.selectionStart, document.activeElement?.selectionEnd];
    return () => {
      if (at < 0) return;
      const field = focusable(after)[at];
      field?.focus({ preventScroll: true });
      if (from != null && field?.setSelectionRange) try { field.setSelectionRange(from, to); } catch { /* not a text */ }
    };
  }

  const made = (html) => { const box = document.createElement("template"); box.innerHTML = html; return box.content.firstElementChild; };

  // Brings one place to what it is to hold; false when the server believes that we have more than we do.
  function apply({ place, items }) {
    const box = id(place);
    if (!box) return true;
    const have = new Map([...box.children].map((node) => [node.dataset.key, node]));
    const focused = document.activeElement;
    const after = [];
    let next = box.firstElementChild;
    for (const { key, version, html } of items) {
      let node = have.get(key);
      have.delete(key);
      if (!node || node.dataset.version !== version) {
        if (html === undefined) return false;
        const fresh = made(html);
        if (node) {
          after.push(carry(node, fresh));
          if (next === node) next = fresh;
          node.replaceWith(fresh);
        }
        node = fresh;
      }
      if (node === next) next = next.nextElementSibling; else box.insertBefore(node, next);
    }
    have.forEach((node) => node.remove());
    after.forEach((then) => then());
    // A node that was moved has lost the focus.
    if (focused !== document.activeElement && focused?.isConnected && !after.length) focused.focus({ preventScroll: true });
    if (place === "modal") modal();
    return true;
  }

  const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  const toEnd = (box) => { box.scrollTop = box.scrollHeight; };

  function news(parts) {
    const thread = id("thread").parentElement;
    const ends = [scroll, thread].filter(atEnd);
    const last = id("messages").lastElementChild?.dataset.key;
    const good = parts.map(apply).every(Boolean);
    ends.forEach(toEnd);
    const newer = last !== id("messages").lastElementChild?.dataset.key;
    if (newer && !ends.includes(scroll)) below.hidden = false;
    find();
    if (!good) connect();
  }

  let source;
  function connect() {
    source?.close();
    source = undefined;
    if (document.hidden) return;
    source = new EventSource("/page/events" + location.search);
    source.addEventListener("parts", (event) => { late.hidden = true; news(JSON.parse(event.data)); });
    source.addEventListener("open", () => { late.hidden = true; });
    source.addEventListener("error", () => {
      late.hidden = false;
      // A browser gives up where it was answered with something else; we do not.
      if (source?.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
    });
  }
  // A browser has few connections for one server, and a tab that nobody sees needs none.
  document.addEventListener("visibilitychange", connect);

  // ---- going somewhere ---------------------------------------------------------------------

  function go(address) {
    const from = new URLSearchParams(location.search).get("channel");
    history.pushState(null, "", address);
    arrive(from !== new URLSearchParams(location.search).get("channel"));
  }
  function arrive(elsewhere) {
    if (elsewhere) { id("messages").replaceChildren(); below.hidden = true; }
    connect();
    id("tab-main").checked = true;
  }
  addEventListener("popstate", () => arrive(true));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-go]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(link.href);
  });
  below.addEventListener("click", () => toEnd(scroll));
  scroll.addEventListener("scroll", () => { if (atEnd(scroll)) below.hidden = true; });

  // ---- forms -------------------------------------------------------------------------------

  async function send(form, submitter) {
    const data = new URLSearchParams(new FormData(form, submitter));
    // Emptied at once: what is typed while it is under way is the next message.
    if (form.dataset.clear) form.reset();
    const buttons = [...form.querySelectorAll("button")];
    buttons.forEach((button) => button.setAttribute("aria-busy", "true"));
    await fetch(form.action, { method: "POST", body: data, redirect: "manual" }).catch(() => { late.hidden = false; });
    buttons.forEach((button) => button.removeAttribute("aria-busy"));
    if (form.dataset.clear) { toEnd(scroll); close(); }
  }

  function confirmed(form) {
    if (!form.dataset.title && !form.dataset.text) return Promise.resolve(true);
    const yes = ask.querySelector("[value=yes]");
    ask.querySelector("h2").textContent = form.dataset.title || "";
    ask.querySelector("p").textContent = form.dataset.text || "";
    yes.textContent = form.dataset.confirm || "OK";
    yes.className = form.dataset.style || "primary";
    ask.querySelector("[value=no]").textContent = form.dataset.deny || "Cancel";
    ask.returnValue = "no";
    ask.showModal();
    yes.focus();
    return new Promise((done) => ask.addEventListener("close", () => done(ask.returnValue === "yes"), { once: true }));
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.classList.contains("search")) return event.preventDefault();
    if (form.method !== "post") return;
    event.preventDefault();
    if (await confirmed(form)) await send(form, event.submitter);
  });
  document.addEventListener("change", async (event) => {
    const menu = event.target;
    if (menu.dataset.send && menu.value && (await confirmed(menu.form))) await send(menu.form);
  });

  // ---- the modal ---------------------------------------------------------------------------

  const openView = () => document.querySelector("#modal dialog");
  function modal() {
    const view = openView();
    if (!view || view.dataset.modal) return;
    view.dataset.modal = "1";
    const focus = view.contains(document.activeElement);
    view.removeAttribute("open");
    view.showModal();
    if (!focus) (view.querySelector("[aria-invalid]") || fields(view)[0])?.focus();
    view.addEventListener("cancel", (event) => {
      event.preventDefault();
      view.querySelector("form[action='/page/close']").requestSubmit();
    });
  }

  // ---- the list of commands ----------------------------------------------------------------

  const list = id("commands"), options = [...list.children];
  const shown = () => options.filter((one) => !one.hidden);
  const chosen = () => list.querySelector("[aria-selected=true]");
  const text = () => id("text");
  function close() {
    list.hidden = true;
    choose(null);
    text()?.setAttribute("aria-expanded", "false");
  }
  function choose(one) {
    options.forEach((o) => o.setAttribute("aria-selected", String(o === one)));
    if (one) { text().setAttribute("aria-activedescendant", one.id); one.scrollIntoView({ block: "nearest" }); }
    else text()?.removeAttribute("aria-activedescendant");
  }
  function fill(one) {
    text().value = one.dataset.fill;
    text().focus();
    close();
  }
  function suggest() {
    const typed = text().value.trimStart().toLowerCase();
    const starts = (fill) => fill.startsWith(typed) || typed.startsWith("/") && !typed.includes(" ") && fill.split(" ")[1].startsWith(typed.slice(1));
    options.forEach((one) => { one.hidden = !starts(one.dataset.fill); });
    list.hidden = !typed.startsWith("/") || !shown().length;
    choose(null);
    text().setAttribute("aria-expanded", String(!list.hidden));
  }
  document.addEventListener("input", (event) => {
    if (event.target === text()) suggest();
    if (event.target.id === "search") find();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target !== text() || list.hidden) return;
    const all = shown(), at = all.indexOf(chosen());
    if (event.key === "ArrowDown") choose(all[(at + 1) % all.length]);
    else if (event.key === "ArrowUp") choose(all[(at < 0 ? all.length : at) - 1] || all[all.length - 1]);
    else if (event.key === "Escape") close();
    else if ((event.key === "Enter" || event.key === "Tab") && chosen()) fill(chosen());
    else return;
    event.preventDefault();
  });
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const one = event.target.closest("li");
    if (one) fill(one);
  });
  document.addEventListener("focusout", (event) => { if (event.target === text()) close(); });

  // ---- the side panel, the colours ---------------------------------------------------------

  function find() {
    const wanted = id("search")?.value.trim().toLowerCase() || "";
    document.querySelectorAll("[data-find]").forEach((one) => { one.hidden = !one.dataset.find.includes(wanted); });
  }
  let kept;
  try { kept = localStorage.getItem("theme"); } catch { /* a browser that keeps nothing */ }
  if (kept && id(kept)) id(kept).checked = true;
  document.querySelectorAll("[name=theme]").forEach((one) => one.addEventListener("change", () => {
    try { localStorage.setItem("theme", one.id); } catch { /* as above */ }
  }));

  // A box that gets the focus by itself opens the keyboard of a telephone.
  if (narrow.matches) document.activeElement?.blur?.();
  modal();
  toEnd(scroll);
  toEnd(id("thread").parentElement);
  find();
  connect();
})();
