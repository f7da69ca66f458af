import { plainText } from '../shared/plainText.ts';

/**
 * Untrusted text for VS Code's messages: it makes links of `[…](command:…)` there, which run commands when clicked,
 * and icons of `$(…)` in the status bar and lists. Neither is left in the result.
 */
export function messageText(text: string, most = 800): string {
  return plainText(text, most).replaceAll('](', '] (').replaceAll('$(', '$ (');
}
