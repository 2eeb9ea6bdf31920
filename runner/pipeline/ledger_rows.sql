-- What the ledger of another tool has.
select {columns} from {table}
