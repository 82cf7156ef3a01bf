import type { NotificationStore } from '../store/notifications.js';

/** Where messages go: by key, as plugins declare them. */
export interface NotificationChannel {
  readonly key: string;
  /** Only `inbox` can be delivered to. */
  readonly type: string;
  readonly enabled: boolean;
}

export interface NotificationPort extends NotificationStore {
  readonly channels: readonly NotificationChannel[];
}
