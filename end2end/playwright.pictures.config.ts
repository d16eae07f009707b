// `make pictures`: not a test, so `make test` does not run it.
import { defineConfig } from '@playwright/test';
import base from './playwright.config.js';

export default defineConfig({ ...base, testDir: 'pictures', reporter: 'list', projects: [{ name: 'pictures' }] });
