import EventLoop
import LineProtocol

/// A client that is told why it is not served, and nothing else.
@LoopActor final class TurnAway: ChannelHandler {
    static func say(_ error: ReplyError, to channel: Channel) {
        do throws(SystemError) { try channel.start(TurnAway()) } catch { return }
        channel.write { ReplyWriter().error(error, into: &$0) }
        channel.closeWhenSent()
    }

    func received(_ bytes: UnsafeRawBufferPointer) {}
    func inputEnded() {}
    func drained() {}
    func ended(_ end: ChannelEnd) {}
}
