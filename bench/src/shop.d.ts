import type pg from 'pg'
/** Customers, products, and a million orders with two indexes. */
export declare const CUSTOMERS = 10000
export declare const PRODUCTS = 1000
export declare function createShop(client: pg.Client, orders: number): Promise<void>
export declare function createOrders(client: pg.Client, table: string, orders: number): Promise<void>
/** Spread over customers and products by multiplication with a prime: even, and the same in each run. */
export declare function insertOrders(table: string, first: number, count: number): string
//# sourceMappingURL=shop.d.ts.map
