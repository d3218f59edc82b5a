// Answers the API with made-up data, so that the interface can be worked on without a server:
// `npm run dev` without YUNHAI_URL. Never part of what is shipped.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'vite';
import { answerApi } from './api.ts';
import { answerPrometheus } from './prometheus.ts';

async function body(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString();
  return text ? JSON.parse(text) : {};
}

function send(response: ServerResponse, status: number, answer: unknown) {
  response.statusCode = status;
  response.setHeader('Content-Type', status < 400 ? 'application/json' : 'application/problem+json');
  response.end(answer === undefined ? '' : JSON.stringify(answer));
}

export function fixtures(): Plugin {
  const handle = async (request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const url = new URL(request.url ?? '/', 'http://fixtures');
    if (url.pathname === '/api/v1/events') {
      response.setHeader('Content-Type', 'text/event-stream');
      response.write(': hello\n\n');
      return;
    }
    if (url.pathname.startsWith('/prometheus/api/v1/')) {
      send(response, ...answerPrometheus(url));
    } else if (url.pathname.startsWith('/api/v1/')) {
      send(response, ...answerApi(request.method ?? 'GET', url, await body(request)));
    } else {
      next();
    }
  };
  return {
    name: 'yunhai-fixtures',
    configureServer: (server) => void server.middlewares.use((request, response, next) => void handle(request, response, next)),
    configurePreviewServer: (server) => void server.middlewares.use((request, response, next) => void handle(request, response, next)),
  };
}
