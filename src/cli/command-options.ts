/** Options of every command, as commander hands them over. */
export interface CommandOptions {
  config: string;
  json?: boolean;
}
