import type { Metadata } from 'next';
import type { ReactNode } from 'react';

import './style.css';

export const metadata: Metadata = {
  title: 'Tickets',
  description: 'One ticket list, kept to what its user may see in three ways',
};

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
