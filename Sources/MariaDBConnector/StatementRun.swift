import CMariaDB
import EventLoop
import Glibc

/// One statement on its way through a connection: where libmariadb leaves its results, and who takes them.
@LoopActor final class StatementRun {
    /// How long rows are passed on without letting others have the loop.
    static let sliceNanoseconds: UInt64 = 1_000_000

    let sink: any ResultSink
    let status = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    let row = UnsafeMutablePointer<MYSQL_ROW?>.allocate(capacity: 1)
    var result: UnsafeMutablePointer<MYSQL_RES>?
    var columnCount = 0

    init(_ sink: any ResultSink) {
        self.sink = sink
        status.initialize(to: 0)
        row.initialize(to: nil)
    }

    isolated deinit {
        status.deallocate()
        row.deallocate()
    }

    /// Forgets a result set whose connection is being closed; `mysql_close` detaches it, so freeing it reads nothing.
    func abandon() {
        guard let result else { return }
        result.pointee.handle = nil
        mysql_free_result(result)
        self.result = nil
    }
}

extension MariaDBConnection {
    /// The server's answer to the request, or to one more of its results, is here.
    func answered(_ run: StatementRun) {
        guard self.run === run else { return }
        if run.status.pointee != 0 { return fail(run) }
        run.columnCount = 0
        guard mysql_field_count(mysql) > 0 else { return endOfResult(run) }
        guard let result = mysql_use_result(mysql) else { return fail(run) }
        run.result = result
        run.columnCount = Int(mysql_num_fields(result))
        run.sink.columns(describe(result, run.columnCount))
        continueRows(run)
    }

    private func describe(_ result: UnsafeMutablePointer<MYSQL_RES>, _ count: Int) -> [ResultColumn] {
        guard let fields = mysql_fetch_fields(result) else { return [] }
        return UnsafeBufferPointer(start: fields, count: count).map { field in
            ResultColumn(
                name: Array(UnsafeRawBufferPointer(start: field.name, count: Int(field.name_length))), type: field.type.rawValue,
                flags: field.flags, charset: field.charsetnr, decimals: field.decimals, length: field.length)
        }
    }

    /// Passes rows on while they are at hand, the sink wants them, and the slice of time lasts.
    func continueRows(_ run: StatementRun) {
        let until = EventLoop.now() + StatementRun.sliceNanoseconds
        let row = run.row
        while self.run === run, let result = run.result {
            let status = mysql_fetch_row_start(row, result)
            if status != 0 {
                return perform(status, resume: { mysql_fetch_row_cont(row, result, $0) }) { [self] in
                    if fetched(run, result) { continueRows(run) }
                }
            }
            guard fetched(run, result) else { return }
            if EventLoop.now() > until { return yield(run) }
        }
    }

    /// Takes the row that a fetch left; false when there is nothing to go on with now.
    private func fetched(_ run: StatementRun, _ result: UnsafeMutablePointer<MYSQL_RES>) -> Bool {
        guard self.run === run else { return false }
        guard let values = run.row.pointee else {
            rowsEnded(run, result)
            return false
        }
        guard let lengths = mysql_fetch_lengths(result) else { return true }
        let goOn = run.sink.row(ResultRow(values: values, lengths: lengths, count: run.columnCount))
        guard self.run === run else { return false }
        if !goOn { pause() }
        return goOn
    }

    private func yield(_ run: StatementRun) {
        pause()
        loop.after(milliseconds: 0) { [weak self] in self?.resume() }
    }

    private func rowsEnded(_ run: StatementRun, _ result: UnsafeMutablePointer<MYSQL_RES>) {
        let failed = mysql_errno(mysql) != 0
        run.result = nil
        mysql_free_result(result)
        if failed { return fail(run) }
        endOfResult(run)
    }

    private func endOfResult(_ run: StatementRun) {
        var summary = ResultSummary()
        let affected = mysql_affected_rows(mysql)
        summary.affected = affected == UInt64.max ? 0 : affected
        // A result set tells none: what libmariadb has then is of an earlier statement.
        summary.insertID = run.columnCount == 0 ? mysql_insert_id(mysql) : 0
        summary.warnings = UInt32(mysql_warning_count(mysql))
        summary.more = mysql_more_results(mysql) != 0
        // The end of a result set says that the session changed but not how: what libmariadb has then is of an earlier statement.
        if run.columnCount == 0 { summary.gtid = trackSession() }
        if let gtid = summary.gtid { lastGTID = gtid }
        if summary.more {
            run.sink.ended(summary)
            guard self.run === run else { return }
            nextResult(run)
        } else {
            self.run = nil
            run.sink.ended(summary)
        }
    }

    private func nextResult(_ run: StatementRun) {
        let (status, mysql) = (run.status, mysql)
        perform(mysql_next_result_start(status, mysql), resume: { mysql_next_result_cont(status, mysql, $0) }) { [self] in
            // -1 says that there was none after all.
            if status.pointee == -1 { status.pointee = 0 }
            answered(run)
        }
    }

    private func fail(_ run: StatementRun) {
        let error = DatabaseError(mysql)
        run.abandon()
        self.run = nil
        if error.lostConnection || error.number >= 2000 && error.number < 3000 { close() }
        run.sink.failed(error)
    }

    /// Reads what the server says changed in the session; gives the GTID of a commit back.
    private func trackSession() -> String? {
        guard mysql.pointee.server_status & UInt32(SERVER_SESSION_STATE_CHANGED) != 0 else { return nil }
        var gtid: String?
        let variables = tracked(SESSION_TRACK_SYSTEM_VARIABLES)
        for index in stride(from: 0, to: variables.count - 1, by: 2) {
            let value = String(decoding: variables[index + 1], as: UTF8.self)
            switch String(decoding: variables[index], as: UTF8.self) {
            case "last_gtid": gtid = value.isEmpty ? nil : value
            case "sql_mode": sqlMode = value
            default: break
            }
        }
        if let schema = tracked(SESSION_TRACK_SCHEMA).first { database = schema.isEmpty ? nil : schema }
        return gtid
    }

    private func tracked(_ kind: enum_session_state_type) -> [[UInt8]] {
        var values: [[UInt8]] = []
        var data: UnsafePointer<CChar>?
        var length = 0
        var more = mysql_session_track_get_first(mysql, kind, &data, &length)
        while more == 0 {
            values.append(Array(UnsafeRawBufferPointer(start: data, count: length)))
            more = mysql_session_track_get_next(mysql, kind, &data, &length)
        }
        return values
    }
}
