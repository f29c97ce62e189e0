/** Options of every command, as commander hands them over. */
export interface Common {
  config: string;
  json?: boolean;
}
