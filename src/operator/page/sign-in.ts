import { html } from 'hono/html';
import { ownCommand } from '../../text/own-command.ts';
import type { AssetName } from '../assets.ts';
import { bareLayout, type Html } from './layout.ts';

export function signInPage(
  assets: Record<AssetName, string>,
  { to, problem, notice }: { to: string; problem?: string | undefined; notice?: string | undefined },
): Html {
  return bareLayout(
    assets,
    'Sign in',
    html`<section class="sheet"><h1>Sign in</h1>
${problem ? html`<div class="notice bad" role="alert"><p>${problem}</p></div>` : ''}
${notice ? html`<div class="notice good" role="status"><p>${notice}</p></div>` : ''}
<form class="stack" method="post" action="/sign-in" id="sign-in">
<input type="hidden" name="to" value="${to}">
<label><span>Token</span><input type="password" name="token" required autofocus autocomplete="current-password" spellcheck="false" maxlength="10000"></label>
<p class="small soft">It is <code>operator.token</code> of the configuration, or <code>operator.readOnlyToken</code> to look only. Without either, or instead: on the machine of the bridge, <code>${ownCommand('link', true)}</code> shows a link that signs you in; what stands behind its # will do here, too.</p>
<button class="main">Sign in</button></form></section>`,
  );
}

/** What went wrong, for people: not found, refused, failed. */
export function problemPage(assets: Record<AssetName, string>, title: string, message: string): Html {
  return bareLayout(
    assets,
    title,
    html`<section class="sheet"><h1>${title}</h1><p>${message}</p><p><a class="button" href="/">To the overview</a></p></section>`,
  );
}
