/** Finds a Chromium-like browser for the end-to-end tests, or fetches one. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

const FETCH_TIMEOUT = 240_000;

const PROGRAM_FILES = [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA];

const PLACES: Partial<Record<NodeJS.Platform, string[]>> = {
  linux: [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/usr/bin/google-chrome-stable',
    '/usr/bin/microsoft-edge',
    '/snap/bin/chromium',
  ],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ],
  win32: PROGRAM_FILES.filter((folder) => folder !== undefined).flatMap((folder) => [
    path.join(folder, 'Google/Chrome/Application/chrome.exe'),
    path.join(folder, 'Microsoft/Edge/Application/msedge.exe'),
  ]),
};

/** The browser's program; undefined if there is none and none could be fetched. @throws if CHROMIUM names no file */
export function findBrowser(): string | undefined {
  const { CHROMIUM } = process.env;
  if (CHROMIUM && !fs.existsSync(CHROMIUM)) throw new Error(`CHROMIUM is ${CHROMIUM}, which does not exist.`);
  if (CHROMIUM) return CHROMIUM;
  const installed = PLACES[process.platform]?.find((place) => fs.existsSync(place));
  return installed ?? fetched() ?? fetchBrowser();
}

/** The browser that Playwright keeps in the user's cache, if it was fetched before. */
function fetched(): string | undefined {
  const place = chromium.executablePath();
  return fs.existsSync(place) ? place : undefined;
}

/** Fetches one without root; it still needs the system libraries of a desktop. */
function fetchBrowser(): string | undefined {
  console.error('No browser found; fetching Chromium …');
  const cli = path.resolve(import.meta.dirname, '../../node_modules/playwright-core/cli.js');
  const { status } = spawnSync(process.execPath, [cli, 'install', 'chromium'], {
    stdio: ['ignore', 'ignore', 'ignore'],
    timeout: FETCH_TIMEOUT,
  });
  const browser = status === 0 ? fetched() : undefined;
  return browser && spawnSync(browser, ['--version']).status === 0 ? browser : undefined;
}

/** How the end-to-end tests end without a browser: in CI they fail, so that nothing passes untested. */
export function withoutBrowser(env: { CI?: string }): { code: number; sentence: string } {
  const how = 'Install Chromium (Debian: apt install chromium), or give its path in CHROMIUM.';
  return env.CI
    ? { code: 1, sentence: `End-to-end tests failed: no browser. ${how}` }
    : { code: 0, sentence: `End-to-end tests skipped: no browser. ${how}` };
}
