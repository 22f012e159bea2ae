// Without this the page works by itself, with a reload after each act; with it, it stays up to date.
(() => {
  const parts = ["feed", "modal", "panel"];
  const shown = {};
  const ask = document.getElementById("ask");

  // A modal that comes back with errors keeps what was typed.
  const fields = (place) => [...place.querySelectorAll("input:not([type=hidden]), textarea, select")];
  const view = (place) => place.querySelector("[data-view]")?.dataset.view;
  const typed = (place) => ({ view: view(place), fields: fields(place) });
  function restore(place, kept) {
    if (!kept.view || kept.view !== view(place)) return;
    fields(place).forEach((field, n) => {
      const before = kept.fields[n];
      if (before?.name !== field.name) return;
      if (field.type === "checkbox" || field.type === "radio") field.checked = before.checked;
      else field.value = before.value;
    });
  }

  async function refresh() {
    const answer = await fetch("/page/parts" + location.search).catch(() => null);
    if (!answer || !answer.ok) return;
    const now = await answer.json();
    for (const part of parts) {
      const place = document.getElementById(part);
      // What has not changed stays, and with it what someone is typing.
      if (!place || shown[part] === now[part]) continue;
      // Neither does a reply that is being written vanish; the feed catches up when it is sent or left.
      const active = document.activeElement;
      if (part === "feed" && place.contains(active) && active.matches("input") && active.value) continue;
      shown[part] = now[part];
      const low = part === "feed" && innerHeight + scrollY >= document.body.scrollHeight - 80;
      const kept = typed(place);
      place.innerHTML = now[part];
      if (part === "modal") restore(place, kept);
      if (low) scrollTo(0, document.body.scrollHeight);
      if (part === "modal") place.querySelector("input:not([type=hidden]), textarea, select")?.focus();
    }
  }

  async function send(form, submitter) {
    const data = new URLSearchParams(new FormData(form, submitter));
    await fetch(form.action, { method: "POST", body: data }).catch(() => null);
    if (form.dataset.clear) form.reset();
    await refresh();
  }

  function confirmed(form) {
    if (!form.dataset.title && !form.dataset.text) return Promise.resolve(true);
    ask.querySelector("h2").textContent = form.dataset.title || "";
    ask.querySelector("p").textContent = form.dataset.text || "";
    ask.querySelector("[value=yes]").textContent = form.dataset.confirm || "OK";
    ask.querySelector("[value=no]").textContent = form.dataset.deny || "Cancel";
    ask.returnValue = "no";
    ask.showModal();
    return new Promise((done) => ask.addEventListener("close", () => done(ask.returnValue === "yes"), { once: true }));
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    event.preventDefault();
    if (await confirmed(form)) await send(form, event.submitter);
  });
  document.addEventListener("change", async (event) => {
    const menu = event.target;
    if (menu.dataset.go) return menu.form.submit();
    if (menu.dataset.send && menu.value && (await confirmed(menu.form))) await send(menu.form);
  });
  document.addEventListener("keydown", (event) => {
    const close = document.querySelector("#modal form[action='/page/close']");
    if (event.key === "Escape" && close && !ask.open) close.requestSubmit();
  });
  refresh();
  setInterval(refresh, 1000);
})();
