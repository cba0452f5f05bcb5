extension ValueForm<[DatabaseOption]> {
    /// `{"innodb_buffer_pool_size": "1G", …}`: options of mariadbd that the node doesn't own.
    static var databaseOptions: Self {
        Self(
            words: "an object of mariadbd options, up to \(optionsMax)",
            read: { json in
                guard case .object(let members) = json.content, members.count <= optionsMax else { return .mismatch }
                var options: [DatabaseOption] = []
                var faults: [Fault] = []
                for member in members where !member.value.content.isNull {
                    let name = String(member.name.map { $0 == "-" ? "_" : $0 })
                    let value = optionValue(member.value.content)
                    if let message = refusal(ofName: name) ?? refusal(ofRepeated: name, in: options) {
                        faults.append(Fault(name: member.name, place: member.place, message: message))
                    } else if let value {
                        options.append(DatabaseOption(name: name, value: value))
                    } else {
                        let message = "must be a text on one line, a number, true or false, is \(member.value.content.shown)"
                        faults.append(Fault(name: member.name, place: member.value.place, message: message))
                    }
                }
                return faults.isEmpty ? .value(options) : .faults(faults)
            },
            write: { $0.isEmpty ? nil : $0.map { "\($0.name)=\($0.value)" }.joined(separator: " ") })
    }

    private static var optionsMax: Int { 200 }

    private static func optionValue(_ content: JSONValue.Content) -> String? {
        switch content {
        case .bool(let value): value ? "ON" : "OFF"
        case .number(let text): text.utf8.count <= 64 ? text : nil
        case .string(let text): text.utf8.count <= 4096 && text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) ? text : nil
        case .null, .array, .object: nil
        }
    }

    private static func refusal(ofRepeated name: String, in options: [DatabaseOption]) -> String? {
        options.contains { $0.name == name } ? "is given twice, with - and with _: keep one of the two" : nil
    }

    private static func refusal(ofName name: String) -> String? {
        let letters = name.utf8
        guard (2...64).contains(letters.count), letters.allSatisfy(isNameByte), letters.first != UInt8(ascii: "_") else {
            return "an option's name is 2 to 64 small letters, digits, - or _, without the leading --"
        }
        return OwnedOptions.owns(name) ? "the node itself sets this of its private MariaDB: take it out" : nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }
}

extension JSONValue.Content {
    var isNull: Bool {
        if case .null = self { true } else { false }
    }
}

/// The options of mariadbd that a node sets itself, or that would take the server from its hands.
enum OwnedOptions {
    private static let names = [
        "max_connections", "max_allowed_packet", "event_scheduler", "tmpdir", "secure_file_priv", "local_infile",
        "server_id", "read_only", "super_read_only", "socket", "port", "extra_port", "datadir", "basedir", "networking", "bind_address",
        "log_slave_updates", "log_replica_updates", "sync_binlog", "encrypt_binlog", "expire_logs_days", "max_binlog_total_size", "log_basename",
        "innodb_flush_log_at_trx_commit", "innodb_read_only", "init_file", "pid_file", "log_error", "user", "chroot", "bootstrap", "grant_tables",
        "help", "version", "verbose", "print_defaults", "sysdate_is_now", "transaction_read_only",
    ]

    private static let families = [
        "log_bin", "binlog_", "gtid_", "rpl_", "plugin_", "relay_log", "slave_", "replica_", "replicate_", "master_", "report_", "wsrep_",
        "defaults_",
    ]

    /// What mariadbd lets one put before the name of an option.
    private static let modifiers = ["loose_", "skip_", "enable_", "disable_", "maximum_", "autoset_"]

    /// True also for `skip_…` and the like, and for a shortened name: mariadbd takes any beginning that fits one option only.
    ///
    /// `name` is in lower case, with `_` between words.
    static func owns(_ name: String) -> Bool {
        if let modifier = modifiers.first(where: name.hasPrefix) { return owns(String(name.dropFirst(modifier.count))) }
        return names.contains { $0.hasPrefix(name) } || families.contains { name.hasPrefix($0) || $0.hasPrefix(name) }
    }
}
