import { plainText } from '../shared/plainText.ts';

/**
 * Text that may hold something from elsewhere, for VS Code's messages: it makes links of `[…](command:…)` there, which
 * run commands when clicked, and icons of `$(…)` in the status bar and lists. Neither comes out of this.
 */
export function messageText(text: string, most = 800): string {
  return plainText(text, most).replaceAll('](', '] (').replaceAll('$(', '$ (');
}
