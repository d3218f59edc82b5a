import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { fixtures } from './dev/fixtures.ts';

// With YUNHAI_URL the development server passes API calls on to a running Yunhai;
// without it the fixtures answer, so that the interface can be worked on alone.
const upstream = process.env.YUNHAI_URL;

export default defineConfig({
  plugins: [react(), ...(upstream ? [] : [fixtures()])],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  // The built interface under the same policy that the server sends.
  preview: {
    host: '127.0.0.1',
    headers: {
      'Content-Security-Policy': "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
    },
  },
  server: {
    host: '127.0.0.1',
    proxy: upstream ? { '/api': upstream, '/prometheus': upstream } : undefined,
  },
});
