// Frames: a session that is fed a byte stream in pieces of any size finds the frames that stand in
// it, and holds no more memory than arrived.
//
// Input: one byte of piece size, then the stream.
#include "common/wire/frame.h"

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "common/net/stream_session.h"
#include "tests/fuzz/golden.h"
#include "tests/support/driver.h"

namespace atl::fuzz {

// A socket's other half: bytes that arrive in pieces, then the end.
class PiecedStream {
 public:
  PiecedStream(asio::any_io_executor executor, ByteView stream, size_t piece)
      : executor_(executor), socket_(executor), left_(stream), piece_(piece) {}

  net::Tcp::socket& next_layer() { return socket_; }
  size_t left() const { return left_.size(); }

  template <typename Token>
  auto async_read_some(const asio::mutable_buffer& out, Token&& token) {
    return asio::async_initiate<Token, void(asio::error_code, size_t)>(
        [this, out](auto handler) {
          const size_t size = std::min({piece_, left_.size(), out.size()});
          if (size > 0) std::memcpy(out.data(), left_.data(), size);
          left_ = left_.subspan(size);
          const asio::error_code error = size > 0 ? asio::error_code() : asio::error::eof;
          asio::post(executor_, [handler = std::move(handler), error, size]() mutable {
            std::move(handler)(error, size);
          });
        },
        token);
  }
  template <typename Token>
  auto async_write_some(const asio::const_buffer& in, Token&& token) {
    return asio::async_initiate<Token, void(asio::error_code, size_t)>(
        [this, size = in.size()](auto handler) {
          asio::post(executor_, [handler = std::move(handler), size]() mutable {
            std::move(handler)(asio::error_code(), size);
          });
        },
        token);
  }

 private:
  asio::any_io_executor executor_;
  net::Tcp::socket socket_;
  ByteView left_;
  size_t piece_;
};

namespace {

struct Frame {
  wire::FrameKind kind = wire::FrameKind::kControl;
  ByteView payload;
};

// The next whole frame at the front of `stream`, taken off it.
std::optional<Frame> next_frame(ByteView& stream) {
  if (stream.size() < wire::kHeaderSize) return std::nullopt;
  const auto header = wire::decode_header(stream);
  if (!header) {
    ATOLL_CHECK(header.error().code() == ErrorCode::kProtocol, "the peer's fault");
    return std::nullopt;
  }
  const auto encoded = wire::encode(*header);
  ATOLL_CHECK(std::equal(encoded.begin(), encoded.end(), stream.begin()), "one way to write it");
  if (stream.size() - wire::kHeaderSize < header->length) return std::nullopt;
  const Frame frame{header->kind, stream.subspan(wire::kHeaderSize, header->length)};
  stream = stream.subspan(wire::kHeaderSize + header->length);
  return frame;
}

void check_chunk(ByteView payload) {
  ByteView data;
  const auto header = wire::decode_chunk(payload, data);
  ATOLL_CHECK(header.ok() == (payload.size() >= wire::kChunkHeaderSize), "a whole header");
  if (!header) return;
  const auto encoded = wire::encode(*header);
  ATOLL_CHECK(std::equal(encoded.begin(), encoded.end(), payload.begin()), "one way to write it");
  ATOLL_CHECK(data.size() + encoded.size() == payload.size(), "the rest is data");
}

void run(ByteView input) {
  Choices choices(input);
  const size_t piece = size_t{1} + choices.byte() * size_t{16};
  ByteView expected = choices.rest();
  constexpr size_t kSlack = 4u << 20;  // what a session may hold before anything arrived

  testing::Driver driver;
  auto stream = std::make_unique<PiecedStream>(driver.executor(), expected, piece);
  net::StreamSession<PiecedStream> session(std::move(stream), {});
  Bytes payload;
  for (;;) {
    const auto received = driver.wait(session.receive(payload, net::Duration(60'000)));
    const auto frame = next_frame(expected);
    ATOLL_CHECK(received.ok() == frame.has_value(), "the same frames");
    ATOLL_CHECK(payload.capacity() <= 2 * input.size() + kSlack, "no memory for a claim");
    if (!frame) break;
    ATOLL_CHECK(*received == frame->kind && payload.size() == frame->payload.size() &&
                    std::equal(payload.begin(), payload.end(), frame->payload.begin()),
                "the same bytes");
    if (frame->kind == wire::FrameKind::kChunk) check_chunk(payload);
  }
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> all;
  const auto control = golden("frame-control"), chunk = golden("frame-chunk");
  for (const int piece : {0, 1, 255}) {
    all.push_back(joined({Bytes(1, static_cast<std::byte>(piece)), control, chunk, control}));
  }
  // Claims of the most that a frame may hold, with nothing behind them.
  for (const auto kind : {wire::FrameKind::kControl, wire::FrameKind::kChunk}) {
    const auto header = wire::encode(wire::FrameHeader{wire::max_payload(kind), kind});
    all.push_back(joined({Bytes(1, std::byte{9}), header}));
  }
  return all;
}

const Registration registration({"frames", run, seeds});

}  // namespace
}  // namespace atl::fuzz
