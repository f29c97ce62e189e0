import { html } from 'hono/html';
import { ownCommand } from '../../text/own-command.ts';
import { count, counted } from '../../text/plural.ts';
import type { ErasureDone, Holdings } from '../actions.ts';
import { waitingText } from '../erasure.ts';
import type { Story } from '../story.ts';
import { csrf, type Frame, type Html, layout } from './layout.ts';
import { callPath } from './states.ts';

/** Before a caller is erased: what is held of them. */
export function erasePage(frame: Frame, story: Story, held: Holdings): Html {
  return layout(
    frame,
    'Erase a caller',
    html`<div class="head"><h1>Erase ${held.number}?</h1></div>
<section class="sheet"><p>The bridge holds <strong>${counted(held.calls, 'call')}</strong> of this number, with ${held.calls === 1 ? 'its' : 'their'} pushes, deliveries and attempts. All of it is removed from its files, for good.</p>
${elsewhere(held)}${held.inCrm.length > 0 ? html`<p>What is in the CRM stays there. Remove it there, if that is asked, too:</p>${crmList(held)}` : html`<p>Nothing of it is in a CRM.</p>`}
<form class="stack" method="post" action="${callPath(story)}/erase">${csrf(frame.visitor)}
<label class="check"><input type="checkbox" name="sure" value="yes" required><span>I want all of it to be gone. There is no way back but a backup.</span></label>
${held.unsearchable > 0 ? html`<label class="check"><input type="checkbox" name="unsearchable" value="yes"><span>Remove ${unsearchable(held)} as well, whosever number is in there: packed in a way that is not read, ${held.unsearchable === 1 ? 'it' : 'they'} cannot be searched, and may hold this one.</span></label>` : ''}
<div class="row"><button class="danger">Erase ${counted(held.calls, 'call')}</button><a class="button quiet" href="${callPath(story)}">Do nothing</a></div></form></section>`,
  );
}

export function erasedPage(frame: Frame, done: ErasureDone): Html {
  return layout(
    frame,
    'Erased',
    html`<div class="head"><h1>Erased</h1></div>
<section class="sheet"><p>Of ${done.number} were removed: ${counted(done.erased.calls, 'call')}, ${counted(done.erased.pushes, 'push', 'pushes')}, ${counted(done.erased.deliveries, 'delivery', 'deliveries')}, ${counted(done.erased.attempts, 'attempt')}, ${counted(done.erased.people, 'entry', 'entries')} in the map of people${done.erased.unreadable > 0 ? `, ${counted(done.erased.unreadable, 'rejected push', 'rejected pushes')}` : ''}.</p>
${done.left > 0 ? html`<div class="notice wait"><p>${count(done.left)} of the number came meanwhile and are still there. Erase once more.</p></div>` : ''}
${done.inLog ? html`<div class="notice wait"><p>Something reads the store's file just now, such as a backup. Until that ends, what was erased stays in the log beside the file; the bridge removes it within a minute after.</p></div>` : ''}
${done.unsearchable > 0 ? html`<div class="notice wait"><p>${unsearchable(done)} could not be searched, packed in a way that is not read, and may hold the number. To remove ${done.unsearchable === 1 ? 'it' : 'them'}: <code>${ownCommand('erase --unsearchable')}</code>; else retention.rejected does.</p></div>` : ''}
${elsewhere(done)}${done.inCrm.length > 0 ? html`<p>The CRM still holds:</p>${crmList(done)}` : ''}
${done.waiting.length > 0 ? html`<div class="notice wait"><p>${waitingText(done)}</p></div>` : ''}
<p><a class="button" href="/calls">To the calls</a></p></section>`,
  );
}

function unsearchable({ unsearchable: pushes }: Pick<Holdings, 'unsearchable'>): Html {
  return html`<a href="/rejected">${counted(pushes, 'rejected push', 'rejected pushes')}</a>`;
}

function elsewhere({ elsewhere: calls }: Pick<Holdings, 'elsewhere'>): Html | '' {
  if (calls === 0) return '';
  return html`<p>${counted(calls, 'call')} of others ${calls === 1 ? 'names' : 'name'} the number, as who answered or in a text. ${calls === 1 ? 'It stays' : 'They stay'} as ${calls === 1 ? 'it is' : 'they are'}.</p>`;
}

function crmList({ inCrm }: Pick<Holdings, 'inCrm'>): Html {
  return html`<ul class="plain small">${inCrm.slice(0, 200).map(({ connector, role, type, id }) => html`<li>${connector}: ${type} ${id} <span class="soft">(${role})</span></li>`)}${inCrm.length > 200 ? html`<li>and ${count(inCrm.length - 200)} more</li>` : ''}</ul>`;
}
