# Reference values for paired rates. R has McNemar's exact test as a binomial test; Tango's interval is made here by its
# definition, with the restricted likelihood maximised numerically. Run from the repository's root:
# Rscript engine/selftest/sources/paired_rates.R
library(jsonlite)
score <- function(gap, first, second, pairs) {
  # The most likely share of pairs that only the second has right, where the first's share is larger by `gap`.
  loss <- function(q) {
    terms <- c(first, second, pairs - first - second)
    shares <- c(q + gap, q, 1 - 2 * q - gap)
    -sum(ifelse(terms > 0, terms * log(pmax(shares, 1e-300)), 0))
  }
  q <- optimize(loss, c(max(0, -gap), (1 - gap) / 2), tol = 1e-14)$minimum
  (first - second - pairs * gap) / sqrt(pairs * (2 * q + gap * (1 - gap)))
}
case <- function(name, first, second, pairs) {
  z <- qnorm(0.975)
  value <- (first - second) / pairs
  low <- uniroot(function(g) score(g, first, second, pairs) - z, c(-0.999, value - 1e-9), tol = 1e-12)$root
  high <- uniroot(function(g) score(g, first, second, pairs) + z, c(value + 1e-9, 0.999), tol = 1e-12)$root
  p <- binom.test(min(first, second), first + second)$p.value
  list(name = name, inputs = list(first_only = first, second_only = second, pairs = pairs),
       expected = list(low = low, high = high, p = p), tolerance = 1e-5)
}
cases <- list(case("some disagree", 12, 3, 80), case("most disagree", 30, 21, 60), case("few disagree", 2, 1, 40),
              case("many pairs", 44, 61, 1200))
told <- list(subject = "paired_rates", software = "R stats", version = as.character(getRversion()),
             command = "Rscript engine/selftest/sources/paired_rates.R", cases = cases)
writeLines(toJSON(told, auto_unbox = TRUE, digits = NA), "engine/selftest/references/paired_rates.json")
