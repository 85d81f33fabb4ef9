import type { NextConfig } from 'next';

const config: NextConfig = {
  // The repository around this example is not part of the application.
  turbopack: { root: import.meta.dirname },
  outputFileTracingRoot: import.meta.dirname,
  poweredByHeader: false,
};

export default config;
