import type { Notice } from './notice.ts';

/** A way to people. */
export interface Channel {
  name: 'webhook' | 'email';
  /** Resolves once the other side has taken the notice. @throws SendFailed */
  send(notice: Notice, signal: AbortSignal): Promise<void>;
}

/** What goes with each notice. */
export interface Letterhead {
  /** IANA zone of the times in texts. */
  timezone: string;
  /** Where the operator page is, if that is known. */
  publicUrl: string | undefined;
}

export class SendFailed extends Error {
  override name = 'SendFailed';
  /** Another try with this notice would come to the same. */
  readonly isFinal: boolean;

  constructor(message: string, options: { isFinal?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.isFinal = options.isFinal ?? false;
  }
}
