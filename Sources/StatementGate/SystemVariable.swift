/// What the gate knows of the server's variables. Names are in lower case.
package enum SystemVariable {
    static let scopes: Set<String> = ["global", "session", "local"]

    /// The node sets these for itself: with them a client could hide writes from the binlog, mislabel them, open a slave to writes, lose what was committed,
    /// or have the server write and read files.
    static func isNodeOwned(_ name: String) -> Bool {
        owned.contains(name) || ownedPrefixes.contains { name.hasPrefix($0) }
    }

    private static let owned: Set<String> = [
        "datadir", "default_master_connection", "expire_logs_days", "general_log_file", "init_connect", "init_file", "init_slave",
        "innodb_buffer_pool_filename", "innodb_doublewrite", "innodb_flush_log_at_trx_commit", "innodb_tmpdir", "local_infile", "log_error",
        "log_output", "log_slave_updates", "log_slow_query_file", "master_verify_checksum", "max_binlog_size", "plugin_dir", "read_only", "server_id",
        "server_uuid", "skip_parallel_replication", "skip_replication", "slow_query_log_file", "sql_log_bin", "sql_slave_skip_counter", "sync_binlog",
        "sync_master_info", "tmpdir", "transaction_read_only", "tx_read_only",
    ]

    private static let ownedPrefixes = [
        "binlog_", "gtid_", "log_bin", "pseudo_", "relay_log", "replicate_", "rpl_", "secure_", "server_audit_", "session_track_", "slave_",
        "sync_relay_log", "wsrep_",
    ]

    /// In other multibyte character sets the second byte of a character can be a backslash or a quote, which moves the end of a string.
    static func checkCharacterSet(_ name: String?) throws(Unsorted.Reason) {
        guard let name, harmlessCharacterSets.contains(name) else { throw .characterSet }
    }

    package static let harmlessCharacterSets: Set<String> = ["utf8mb4", "utf8mb3", "utf8", "latin1", "ascii", "binary"]

    /// What autocommit becomes; off where it isn't written out, since that is the careful guess.
    static func isOn(_ literal: String?) -> Bool {
        guard let literal else { return false }
        return ["1", "on", "true", "default"].contains(literal)
    }
}
