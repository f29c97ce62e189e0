// What the page does beyond links and forms. Everything that can be read or done works without it.

/** A button beside a text copies it. The text stands in the page, never in an attribute. */
document.addEventListener('click', async (event) => {
  const button = event.target.closest('button[data-copy]');
  if (!button) return;
  const text = document.getElementById(button.dataset.copy);
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(text.textContent.trim());
    button.textContent = 'Copied';
  } catch {
    // Browsers give the clipboard to https and localhost only: mark the text, so that one key copies it.
    getSelection().selectAllChildren(text);
    button.textContent = 'Marked: press Ctrl+C';
  }
  setTimeout(() => {
    button.textContent = said;
  }, 2000);
});

/** What was done is said once, not again when the page is loaded anew. */
if (location.search.includes('did=')) {
  const address = new URL(location.href);
  for (const name of ['did', 'n']) address.searchParams.delete(name);
  history.replaceState(history.state, '', address);
}

/** A link that signs in carries its code behind the #, which is sent to nobody: the form sends it, and it is gone. */
const signIn = document.getElementById('sign-in');
if (signIn && location.hash.length > 1) {
  signIn.elements.token.value = location.hash.slice(1);
  history.replaceState(history.state, '', location.pathname + location.search);
  signIn.requestSubmit();
}

const light = document.getElementById('live');
function isLive(on) {
  if (!light) return;
  light.dataset.state = on ? 'on' : 'off';
  light.textContent = on ? 'Live' : 'Not live';
}
document.addEventListener('htmx:sse:after:connection', () => isLive(true));
document.addEventListener('htmx:sse:error', (event) => {
  isLive(false);
  // The session is over, or the bridge was started anew: the sign-in page is next.
  if (event.detail.status === 401 || event.detail.status === 403) location.reload();
});
document.addEventListener('htmx:sse:close', () => isLive(false));

/** What somebody is writing, hearing or about to confirm must not be taken from under their hands. */
document.addEventListener('htmx:before:request', (event) => {
  const { ctx } = event.detail;
  const part = ctx?.sourceElement;
  if (!part?.matches('[data-live]')) return;
  if (part.contains(document.activeElement) && document.activeElement.matches('input, textarea, select'))
    event.preventDefault();
  else if (part.querySelector('details.act[open]')) event.preventDefault();
});
