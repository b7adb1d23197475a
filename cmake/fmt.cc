// The part of {fmt} that is not a template, compiled once. Debian ships {fmt} as headers and as a shared library: the
// headers alone cost every translation unit four seconds, the shared library costs every start of the program.
#include <fmt/format-inl.h>

// What fmt/format.h (9.1) declares and expects elsewhere unless FMT_HEADER_ONLY is defined.
template FMT_API auto fmt::detail::dragonbox::to_decimal(float) noexcept -> dragonbox::decimal_fp<float>;
template FMT_API auto fmt::detail::dragonbox::to_decimal(double) noexcept -> dragonbox::decimal_fp<double>;
template FMT_API fmt::detail::locale_ref::locale_ref(const std::locale&);
template FMT_API auto fmt::detail::locale_ref::get<std::locale>() const -> std::locale;
template FMT_API auto fmt::detail::thousands_sep_impl(locale_ref) -> thousands_sep_result<char>;
template FMT_API auto fmt::detail::thousands_sep_impl(locale_ref) -> thousands_sep_result<wchar_t>;
template FMT_API auto fmt::detail::decimal_point_impl(locale_ref) -> char;
template FMT_API auto fmt::detail::decimal_point_impl(locale_ref) -> wchar_t;
