import EventLoop
import LineProtocol

/// Hears nothing more of a channel: what is left to send is sent, then it closes.
@LoopActor final class Deaf: ChannelHandler {
    /// Tells a client why it is not served.
    static func turnAway(_ channel: Channel, _ error: ReplyError) {
        do throws(SystemError) { try channel.start(Deaf()) } catch { return }
        channel.write { ReplyWriter().error(error, into: &$0) }
        channel.closeWhenSent()
    }

    func received(_ bytes: UnsafeRawBufferPointer) {}
    func inputEnded() {}
    func drained() {}
    func ended(_ end: ChannelEnd) {}
}
