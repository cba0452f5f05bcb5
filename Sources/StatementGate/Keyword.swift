/// The words and function names the gate looks at. All other words are names to it.
enum Keyword: String, CaseIterable {
    case after, aggregate, algorithm, all, alter, analyze, and, `as`, ascii, atomic
    case backup, before, begin, binary, binlog, body, byte
    case cache, call, `case`, chain, change, character, charset, check, checksum, close, collate, comment, commit, concat, concurrent
    case condition, connection
    case currval
    case connectionID = "connection_id"
    case completion, consistent, contains, `continue`, count, create, cursor, cycle
    case data, database, deallocate, declare, `default`, definer, delete, deleteDomainID = "delete_domain_id"
    case delimiter, desc, describe, deterministic, diagnostics, `do`, drop, dumpfile
    case each, `else`, elseif, end, errors, event, every, execute, exists, exit, explain, extended
    case fetch, flush, follows, `for`, format, found, foundRows = "found_rows", from, fulltext, function
    case get, getLock = "get_lock", global, grant, group
    case handler, hard, help
    case id, `if`, ignore, immediate, `in`, index, infile, insert, install, into, invoker, `is`, iterate
    case kill
    case language, lastInsertID = "last_insert_id", lastval, leave, load, loadFile = "load_file", local, lock, logfile, logs, loop
    case lowPriority = "low_priority"
    case master, mode, modifies
    case names, next, nextval, no, not, noWriteToBinlog = "no_write_to_binlog"
    case off, offline, on, online, only, open, optimize, or, outfile
    case package, partition, partitions, password, precedes, precision, prepare, previous, procedure, purge
    case query
    case read, reads, recursive, relay, release, releaseAllLocks = "release_all_locks", releaseLock = "release_lock"
    case rename, `repeat`, repair, replace, replica, replicas, reset, resignal, restrict, `return`, returns, revoke, role, rollback, row
    case rowCount = "row_count"
    case savepoint, schema, security, select, sequence, server, session, set, setval, share, show, shutdown, signal, signed, slave, slaves
    case snapshot, soft
    case sqlCalcFoundRows = "sql_calc_found_rows"
    case soname, spatial, sql, sqlexception, sqlstate, sqlwarning, stage, start, statement, stop
    case table, tables, tablespace, temporary, then, to, transaction, trigger, truncate
    case undo, unicode, uninstall, unique, unlock, unsigned, until, update, use, user, using
    case value, values, varying, view
    case warnings, when, `where`, `while`, with, work, write
    case xa, xml, zerofill
}

/// A word of at most 24 bytes, lower-cased, packed so that two words compare in three steps and without an allocation.
struct PackedWord: Hashable {
    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var third: UInt64 = 0

    static let lengthMax = 24

    /// Nil for a word that is longer than any keyword.
    @inline(__always)
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= Self.lengthMax else { return nil }
        for (index, byte) in bytes.enumerated() {
            let lower = UInt64(lowercased(byte))
            switch index >> 3 {
            case 0: first = first << 8 | lower
            case 1: second = second << 8 | lower
            default: third = third << 8 | lower
            }
        }
    }

    /// A slot of the keyword table. The multiplier spreads the words; collisions go to the next slot.
    @inline(__always)
    var slot: Int {
        let mixed = (first ^ second &* 31 ^ third &* 131) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed >> 54)
    }
}

/// Finds a word's keyword: open addressing over 1024 slots, filled once.
struct KeywordTable: Sendable {
    static let shared = KeywordTable()

    private let slots: [(word: PackedWord, keyword: Keyword)?]

    private init() {
        var slots = [(word: PackedWord, keyword: Keyword)?](repeating: nil, count: 1024)
        for keyword in Keyword.allCases {
            let word = Array(keyword.rawValue.utf8).withUnsafeBytes { PackedWord($0) }
            guard let word else { preconditionFailure("no keyword is longer than \(PackedWord.lengthMax) bytes") }
            var slot = word.slot
            while slots[slot] != nil { slot = (slot + 1) & 1023 }
            slots[slot] = (word, keyword)
        }
        self.slots = slots
    }

    /// The keyword spelled by these bytes, in any case.
    @inline(__always)
    func keyword(_ bytes: UnsafeRawBufferPointer) -> Keyword? {
        guard let word = PackedWord(bytes) else { return nil }
        var slot = word.slot
        while let entry = slots[slot] {
            if entry.word == word { return entry.keyword }
            slot = (slot + 1) & 1023
        }
        return nil
    }
}

/// ASCII only: the bytes above 127 stay as they are.
@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
}
