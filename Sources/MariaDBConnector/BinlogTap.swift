package import ClusterModel
package import EventLoop
import MySQLProtocol

/// How a tap ended by itself.
package enum TapEnd: Sendable {
    /// The database can't be reached, or went away: worth another try.
    case lost(String)
    /// The database refused to send from this position: its binlog does not hold it (any more).
    case positionGone(String)
    /// The database refused for another reason.
    case refused(String)
}

/// Reads the binlog of a database as a replica does, from one position on.
///
/// libmariadb's own replication calls are of no use for this: they acknowledge events before their caller has seen them.
@LoopActor package final class BinlogTap: ChannelHandler {
    /// MariaDB's error for a position that it can't serve (ER_MASTER_FATAL_ERROR_READING_BINLOG).
    private static let positionError: UInt16 = 1236
    private static let heartbeatNanoseconds: UInt64 = 5_000_000_000

    private let loop: EventLoop
    private let event: @LoopActor (UnsafeRawBufferPointer, _ wantsAck: Bool) -> Bool
    private var ended: (@LoopActor (TapEnd) -> Void)?
    private var dump: BinlogDump
    private var packets = PacketReader(payloadBytesMax: BinlogDump.payloadBytesMax)
    private var opening: Opening?
    private var channel: Channel?
    private var isPaused = false
    private var isDelivering = false
    private var isClosed = false

    /// Begins at the first transaction after `position`. `event` is handed each event, valid during the call, and returns false to pause until
    /// `resume()`. `ended` is called once, unless `close()` came first. `serverID` must be unlike that of any other reader of this database. `semiSync`: commits
    /// wait until `acknowledge` covers them, where the database is so configured; an event that one waits for wants an acknowledgement.
    package init(
        _ loop: EventLoop, _ target: DatabaseTarget, after position: Position, serverID: UInt32, name: String, semiSync: Bool = false,
        event: @escaping @LoopActor (UnsafeRawBufferPointer, _ wantsAck: Bool) -> Bool, ended: @escaping @LoopActor (TapEnd) -> Void
    ) {
        self.loop = loop
        self.event = event
        self.ended = ended
        dump = BinlogDump(serverID: serverID, hostname: String(name.prefix(60)), semiSync: semiSync)
        var target = target
        target.setup += BinlogDump.setupStatements(
            after: position.gtid.map { [$0] } ?? [], semiSync: semiSync, heartbeatNanoseconds: Self.heartbeatNanoseconds)
        opening = MariaDBConnection.open(loop, target, for: self) { $0.opened($1) }
    }

    private func opened(_ result: Result<MariaDBConnection, DatabaseError>) {
        opening = nil
        switch result {
        case .failure(let error): end(.lost(error.description))
        case .success(let connection):
            channel = connection.handOver(to: self)
            perform(dump.started())
        }
    }

    package func received(_ bytes: UnsafeRawBufferPointer) {
        packets.append(bytes)
        deliver()
    }

    private func deliver() {
        guard !isDelivering else { return }
        isDelivering = true
        defer { isDelivering = false }
        do throws(PacketError) {
            while !isPaused, !isClosed, try packets.next({ payload, _ in self.take(payload) }) != nil {}
        } catch {
            end(.lost(error.description))
        }
    }

    private func take(_ payload: UnsafeRawBufferPointer) {
        let action = dump.received(payload)
        if case .event(let range, let wantsAck) = action {
            if !event(UnsafeRawBufferPointer(rebasing: payload[range]), wantsAck) { pause() }
        } else {
            perform(action)
        }
    }

    private func perform(_ action: BinlogDump.Action) {
        switch action {
        case .send(let bytes): channel?.write(bytes)
        case .event: break
        case .failed(let error):
            let words = "\(error.code) \(error.message)"
            // The number stands for other troubles of reading, too; the position's own two messages speak of the GTID.
            end(error.code == Self.positionError && error.message.contains("GTID") ? .positionGone(words) : .refused(words))
        case .ended: end(.lost("the database ended the dump"))
        case .disconnect: end(.lost("the database sent what is no binlog"))
        }
    }

    /// Releases the commits that wait for anything up to this place of the binlog.
    package func acknowledge(_ place: BinlogPlace) { channel?.write(BinlogDump.ack(file: place.file, position: place.offset)) }

    /// Hands over nothing more until `resume()`.
    package func pause() {
        isPaused = true
        channel?.pauseReading()
    }

    /// Goes on after `event` returned false.
    package func resume() {
        guard isPaused else { return }
        isPaused = false
        deliver()
        if !isPaused, !isClosed { channel?.resumeReading() }
    }

    package func inputEnded() { end(.lost("the database closed the connection")) }
    package func drained() {}
    package func ended(_ end: ChannelEnd) { self.end(.lost("the connection to the database ended")) }

    private func end(_ how: TapEnd) {
        let ended = self.ended
        close()
        ended?(how)
    }

    /// Stops; `ended` is not called any more.
    package func close() {
        isClosed = true
        ended = nil
        opening?.cancel()
        opening = nil
        channel?.close()
        channel = nil
    }
}
